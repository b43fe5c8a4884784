"""Boards of leases in a database and in a folder."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.errors import TrackingError
from harness.system.accounts import make_private, share_with_group
from harness.system.redaction import mask_address, mask_secrets
from harness.system.retry import retry
from harness.system.writing import write_atomically

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

Found = TypeVar("Found")

TABLE = "harness_leases"
_NAME, _CONTENT = 200, 2000
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)


class DatabaseBoard:
    """The row ``name`` of the table :data:`TABLE` in the database at ``url``, which is created if missing.

    Parameters
    ----------
    url
        As SQLAlchemy reads it.
    name
        Name of the lease, at most 200 characters.
    """

    settling = 0.0

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name

    def read(self) -> str | None:
        """Return the entry; see :class:`harness.system.lease.Board`."""
        from sqlalchemy import select

        def read(engine: Engine, table: Table) -> str | None:
            with engine.connect() as connection:
                found = connection.execute(select(table.c.content).where(table.c.name == self._name)).scalar()
                return None if found is None else str(found)

        return self._asked(read)

    def swap(self, seen: str | None, new: str | None) -> bool:
        """Replace an entry; see :class:`harness.system.lease.Board`."""
        from sqlalchemy import delete, insert, update
        from sqlalchemy.exc import IntegrityError

        def swap(engine: Engine, table: Table) -> bool:
            same = (table.c.name == self._name) & (table.c.content == seen)
            with engine.begin() as connection:
                if seen is None:
                    connection.execute(insert(table).values(name=self._name, content=new))
                    return True
                change: Any = delete(table) if new is None else update(table).values(content=new)
                return bool(connection.execute(change.where(same)).rowcount)

        try:
            return self._asked(swap)
        except IntegrityError:
            return False

    def _asked(self, question: Callable[[Engine, Table], Found]) -> Found:
        from sqlalchemy.exc import IntegrityError, SQLAlchemyError

        try:
            found: Found = retry(lambda: question(*self._opened))
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            reason = mask_secrets(str(getattr(error, "orig", None) or error)).strip().splitlines()[0]
            raise TrackingError(
                f"{mask_address(self._url)}: cannot read or write the table {TABLE}, which tells who writes a study: "
                f"{reason}; start the server, or let this user create tables, and run the same command again"
            ) from None
        return found

    @cached_property
    def _opened(self) -> tuple[Engine, Table]:
        from sqlalchemy import Column, MetaData, NullPool, String, Table, create_engine
        from sqlalchemy.exc import IntegrityError, ProgrammingError

        patience = {"connect_timeout": 10} if self._url.startswith("postgresql") else {}
        # A connection for each call: there are few, and one that is kept would end when the server restarts.
        engine = create_engine(self._url, poolclass=NullPool, connect_args=patience)
        metadata = MetaData()
        table = Table(
            TABLE, metadata, Column("name", String(_NAME), primary_key=True), Column("content", String(_CONTENT))
        )
        try:
            metadata.create_all(engine)
        except (IntegrityError, ProgrammingError):
            # Another process may be creating it.
            metadata.create_all(engine)
        return engine, table


class FolderBoard:
    """The file ``name`` in ``folder``.

    Parameters
    ----------
    folder
        Created if missing.
    name
        Name of the file.
    settling
        As in :class:`harness.system.lease.Board`.
    """

    def __init__(self, folder: Path, name: str, settling: float = 0.0) -> None:
        self._file, self.settling = folder / name, settling

    def read(self) -> str | None:
        """Return the entry; see :class:`harness.system.lease.Board`."""
        try:
            return self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise TrackingError(f"{self._file}: cannot be read: {error}") from None

    def swap(self, seen: str | None, new: str | None) -> bool:
        """Replace an entry; see :class:`harness.system.lease.Board`."""
        try:
            if seen is None:
                return new is None or self._created(new)
            if self.read() != seen:
                return False
            if new is None:
                self._file.unlink(missing_ok=True)
            else:
                text = new
                write_atomically(self._file, lambda path: path.write_text(text, encoding="utf-8"))
        except OSError as error:
            raise TrackingError(f"cannot write {self._file}: {error.strerror or error}") from None
        return True

    def _created(self, text: str) -> bool:
        """Create the file with its content in one step; return False if there is one."""
        make_private(self._file.parent)
        number, name = tempfile.mkstemp(dir=self._file.parent, prefix=".writing-")
        try:
            os.close(number)
            Path(name).write_text(text, encoding="utf-8")
            share_with_group(Path(name))
            os.link(name, self._file)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            Path(name).replace(self._file)
        finally:
            Path(name).unlink(missing_ok=True)
        return True
