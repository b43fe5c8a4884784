"""Spools: a study of an MLflow server is recorded on this machine first, so that no server failure can stop or lose it.

A spool is a local store of its own, one for each server, below ``mlruns/spool/``. Studies are resumed from the spool;
:mod:`harness.tracking.sync.mirror` copies it to the server.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from harness.errors import TrackingError
from harness.system.accounts import distrust, make_private
from harness.tracking.uri import is_remote, uri_parts

SPOOLS = Path("mlruns/spool")
_ADDRESS = "server.txt"


@dataclass(frozen=True)
class Spool:
    """The local store of the studies of one server.

    Attributes
    ----------
    server
        URI of the server. Its password is never written to disk; its path is, and with it the token in the address of a
        UI, so the spool is private to this account.
    folder
        Absolute path of the spool.
    """

    server: str
    folder: Path

    @property
    def uri(self) -> str:
        """Tracking URI of the spool itself."""
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def exists(self) -> bool:
        """Whether any study was recorded in it."""
        return (self.folder / "mlflow.db").is_file()

    def make(self) -> None:
        """Create the folder, and record the server it belongs to.

        Raises
        ------
        TrackingError
            When the folder cannot be written, or another account can write it.
        """
        _refuse_foreign(self.folder)
        try:
            make_private(self.folder)
            (self.folder / _ADDRESS).write_text(f"{bare_address(self.server)}\n", encoding="utf-8")
        except OSError as error:
            raise TrackingError(
                f"{self.folder}: cannot create the folder for runs that wait for the server ({error.strerror}); run "
                "from a writable folder"
            ) from None


def spool_of(server: str) -> Spool:
    """Return the spool of ``server``, below the working directory; user, password and query make no difference."""
    address = bare_address(server)
    digest = hashlib.sha256(address.encode()).hexdigest()[:8]
    name = re.sub(r"[^\w.-]+", "-", address.partition("://")[2])
    return Spool(server, (SPOOLS / f"{name}-{digest}").absolute())


def all_spools() -> list[Spool]:
    """Return every spool below the working directory, each with its server's address without user and password.

    Raises
    ------
    TrackingError
        When another account could have written one.
    """
    addresses = sorted(SPOOLS.glob(f"*/{_ADDRESS}"))
    for file in addresses:
        _refuse_foreign(file.parent)
    found = [Spool(file.read_text(encoding="utf-8").strip(), file.parent.absolute()) for file in addresses]
    return [spool for spool in found if spool.exists]


def _refuse_foreign(folder: Path) -> None:
    """Raise TrackingError when another account could choose what is sent, and to which server with which password."""
    for path in (folder, folder / _ADDRESS):
        if path.exists() and (why := distrust(path)):
            raise TrackingError(
                f"{path} {why}, who could change what is sent to which server; run from your own folder, or remove "
                "write access for others (chmod -R go-w)"
            )


def recording_uri(uri: str) -> str:
    """Return the URI of the store in which a study for ``uri`` is recorded: the spool if ``uri`` is a server."""
    return spool_of(uri).uri if is_remote(uri) else uri


def bare_address(uri: str) -> str:
    """Return a server's URI without user, password, query and final slash; TrackingError if it has no host."""
    parts = uri_parts(uri)
    return f"{parts.scheme}://{parts.place}{parts.path.rstrip('/')}"
