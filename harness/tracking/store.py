"""Access to MLflow: a client of a tracking store, opened for writing or only for reading.

MLflow is imported inside functions because its import takes seconds. Its usage statistics are switched off first.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from harness.errors import HarnessError, TrackingError
from harness.system.accounts import make_private
from harness.system.environment_variables import proxy_of, reach_loopback_directly
from harness.system.garbage import no_collection
from harness.system.redaction import mask_address, mask_secrets
from harness.system.retry import Retrying, is_transient
from harness.system.servers import is_database, server_fault
from harness.system.sqlite_uri import is_sqlite, sqlalchemy_uri
from harness.tracking import ui_view
from harness.tracking.artifact_places import (
    ARTIFACTS,
    MODELS,
    experiment_place,
    follow,
    foreign_fault,
    inside_file,
    is_inside,
    outside_places,
    place_below,
    place_fault,
)
from harness.tracking.database import table_names
from harness.tracking.layout import lay_out
from harness.tracking.schema import schema_fault
from harness.tracking.sync.spool import spool_of
from harness.tracking.uri import absolute_uri, file_uri_path, is_loopback, is_remote, local_folder, sqlite_file

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Run
    from mlflow.tracking import MlflowClient

_logger = logging.getLogger(__name__)

_PAGE = 1000
_SERVER_ERROR = re.compile(r"too many (\d+) error responses")
_LIBRARIES = ("mlflow", "sqlalchemy", "sqlite3", "requests")
_GO_ON = "then run the same command again: finished trainings are recorded and not repeated"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # MLflow accepts file: stores only on request, which giving such a URI is.
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # MLflow would repeat a request that a failing server may have carried out; the mirror checks first.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
}
"""Variables of MLflow that keep it to its work here."""


@dataclass(frozen=True)
class Store:
    """An open tracking store.

    Attributes
    ----------
    uri
        Tracking URI with local paths made absolute; it may contain a password, so messages show :attr:`shown`.
    client
        MLflow's client of this URI.
    """

    uri: str
    client: MlflowClient

    @property
    def shown(self) -> str:
        """The URI as it may be printed."""
        return mask_address(self.uri)

    def experiment(self, name: str) -> str | None:
        """Return the id of the experiment named ``name``, or None if there is none (or only a deleted one)."""
        experiment = self.client.get_experiment_by_name(name)
        if experiment is None or experiment.lifecycle_stage != "active":
            return None
        return str(experiment.experiment_id)

    def ensure_experiment(self, name: str, description: str) -> str:
        """Return the id of the experiment named ``name``, which is created if missing.

        Artifacts of a SQLite store are in ``artifacts/<name>`` next to the database, recorded as an absolute address so
        that the UI finds them from any working directory; a server places artifacts itself.

        Raises
        ------
        TrackingError
            When the experiment was deleted, or its artifacts are outside the folder of a SQLite store.
        """
        found = self.client.get_experiment_by_name(name)
        if found is not None and found.lifecycle_stage != "active":
            raise TrackingError(
                f"{self.shown}: the experiment {name!r} was deleted in MLflow and its name is still taken; restore it "
                f"(MLFLOW_TRACKING_URI={shlex.quote(sqlalchemy_uri(self.shown))} "
                f"mlflow experiments restore --experiment-id {found.experiment_id}) or rename the study (study.name)"
            )
        home = sqlite_file(self.uri).parent if is_sqlite(self.uri) else None
        if found is not None:
            if home is not None and (fault := place_fault(found.artifact_location, home)):
                raise TrackingError(f"{self.shown}: experiment {name!r}: {fault}")
            place = self._shared_place(found.artifact_location)
            if place is not None and not place.is_dir():
                raise TrackingError(
                    f"{self.shown}: experiment {name!r}: its artifacts are in {place}, a folder that is not here; "
                    "machines with a study in a database need a shared folder at the same path, or the address of an "
                    "MLflow server as --tracking-uri"
                )
            return str(found.experiment_id)
        location = experiment_place(home, name).as_uri() if home is not None else None
        # Without the kind, the UI asks for the purpose of the experiment and hides the charts until answered.
        tags = {"mlflow.experimentKind": "custom_model_development", ui_view.TAG: ui_view.view()}
        if description:
            tags["mlflow.note.content"] = description
        if home is not None:
            make_private(experiment_place(home, name))
        from mlflow.exceptions import MlflowException

        try:
            number = str(self.client.create_experiment(name, artifact_location=location, tags=tags))
            place = self._shared_place(self.client.get_experiment(number).artifact_location)
            if place is not None:
                make_private(place)
            return number
        except MlflowException as error:
            # Another process has created it in the meantime.
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or (made := self.experiment(name)) is None:
                raise
            return made

    def _shared_place(self, location: str) -> Path | None:
        """Return the folder of an experiment's artifacts if a database server, which other machines use too, names
        one."""
        return file_uri_path(location) if is_database(self.uri) else None

    def search(self, experiment_ids: list[str], where: str, newest_first: bool = True) -> list[Run]:
        """Return every run that matches ``where``, over all pages."""
        order = [f"attributes.start_time {'DESC' if newest_first else 'ASC'}"]
        runs: list[Run] = []
        token: str | None = None
        while True:
            # Each page creates an object for every tag and metric of a thousand runs.
            with no_collection():
                page = self.client.search_runs(
                    experiment_ids, where, max_results=_PAGE, order_by=order, page_token=token
                )
            runs.extend(page)
            token = page.token
            if not token:
                return runs

    def artifact_folder(self, run: Run) -> Path | None:
        """Return the folder of a run's artifacts, to read and to write, if it is on this machine, else None.

        A local store has its artifacts in its own folder: one that was moved or copied is followed, and a location
        outside is never used, whatever the database says. A server on another machine cannot choose a folder on this
        one either.

        Raises
        ------
        TrackingError
            When the database of a local store names an address elsewhere, a symbolic link leads out of its folder, or
            a server on another machine names a folder of this machine.
        """
        return self._folder(run.info.artifact_uri, f"run {run.info.run_id}", (run.info.run_id, ARTIFACTS))

    def model_folder(self, model: LoggedModel) -> Path | None:
        """Return the folder of a logged model's files, as :meth:`artifact_folder` does for a run."""
        below = (MODELS, model.model_id, ARTIFACTS)
        return self._folder(model.artifact_location, f"logged model {model.model_id}", below)

    def _folder(self, location: str, what: str, below: Sequence[str]) -> Path | None:
        """Return the folder at ``location``; ``below`` are its names below the experiment's folder."""
        recorded, home = file_uri_path(location), self.home
        if home is None:
            if recorded is not None and is_remote(self.uri) and not is_loopback(self.uri):
                raise TrackingError(
                    f"{self.shown}: {what}: the server says that its artifacts are in {recorded} on "
                    "this machine; nothing is read or written there: start the server with --serve-artifacts"
                )
            return recorded
        if recorded is None:
            raise TrackingError(f"{self.shown}: {what}: {foreign_fault(location)}")
        if not is_inside(recorded, home):
            recorded = place_below(recorded, home / ARTIFACTS if is_sqlite(self.uri) else home, below)
        return inside_file(recorded, "", home)

    @cached_property
    def home(self) -> Path | None:
        """The folder of a local store, None for any other."""
        return local_folder(self.uri)

    def check_places(self) -> None:
        """Check that no artifact location in a SQLite store is outside its folder, since MLflow's own server follows
        them.

        Raises
        ------
        TrackingError
            When one is.
        """
        outside = outside_places(sqlite_file(self.uri)) if is_sqlite(self.uri) else []
        if outside:
            raise TrackingError(
                f"{self.shown}: {len(outside)} artifact locations are outside its folder, the first is "
                f"{mask_secrets(outside[0])}, and MLflow would serve the files there; if the store was moved, make its "
                "folder writable so that the locations can be updated; do not open a store of unknown origin"
            )

    def artifact_place(self, run: Run) -> str:
        """Return the printable location of a run's artifacts, and the one in the database if that differs."""
        folder = self.artifact_folder(run)
        if folder is None:
            return mask_address(run.info.artifact_uri)
        recorded = file_uri_path(run.info.artifact_uri)
        return f"{folder}" if recorded == folder else f"{folder} (in the database: {recorded})"

    def follow(self) -> None:
        """Update the artifact locations in a SQLite store that was moved or copied to its present folder.

        Raises
        ------
        TrackingError
            When the database cannot be written.
        """
        if not is_sqlite(self.uri):
            return
        file = sqlite_file(self.uri)
        with self.guard("update the artifact locations"):
            for before in follow(file):
                _logger.warning(
                    "%s was moved or copied from %s: its artifacts are now read from and written to %s",
                    self.shown,
                    before,
                    file.parent,
                )

    @contextmanager
    def guard(self, doing: str) -> Iterator[None]:
        """Turn MLflow's and the disk's errors into a TrackingError that says what was being done, and where."""
        with _explained(self.shown, doing):
            yield


def open_store(uri: str, *, create: bool) -> Store:
    """Open the store at ``uri``: ``sqlite:///``, ``http(s)://``, ``file:`` or any that MLflow accepts.

    With ``create`` a missing local store is created, and the artifact locations of one that was moved or copied are
    updated. Without it nothing is created or changed (except that SQLite undoes a commit whose writer died), and if a
    server does not answer, its spool on this machine is opened instead, with a warning.

    Raises
    ------
    TrackingError
        When the URI is malformed, the server does not answer, or (without ``create``) the local store is missing.
    """
    spool = spool_of(uri) if is_remote(uri) and not create else None
    if spool is None or not spool.exists:
        return _open(uri, create)
    try:
        return _open(uri, create)
    except TrackingError as error:
        _logger.warning("%s; reading the runs recorded on this machine instead, from %s", error, spool.folder)
        return _open(spool.uri, create)


def readable_uri(uri: str) -> str:
    """Return the URI from which a recorded study can be read: ``uri``, or the spool of a server that is down.

    Raises as :func:`open_store`.
    """
    return open_store(uri, create=False).uri


def _open(uri: str, create: bool) -> Store:
    uri = absolute_uri(uri)
    shown = mask_address(uri)
    if not create:
        _check_exists(uri, shown)
    _check_reachable(uri, shown)
    quiet_mlflow()
    with _explained(shown, "open the tracking store"):
        folder = local_folder(uri)
        if create and folder is not None:
            make_private(folder)
        from mlflow.tracking import MlflowClient

        _hush_loggers()
        if create and is_sqlite(uri):
            lay_out(sqlite_file(uri))
        client = MlflowClient(tracking_uri=sqlalchemy_uri(uri))
        if not is_remote(uri):
            client = cast("MlflowClient", Retrying(client))
        # The first request opens the database (and creates the tables of a new one); better here than during a study.
        client.search_experiments(max_results=1)
    store = Store(uri, client)
    if create:
        store.follow()
    return store


def quiet_mlflow() -> None:
    """Switch off MLflow's usage statistics and progress bars, unless the environment already decides.

    Call it before importing mlflow.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def _hush_loggers() -> None:
    # Creating a database logs every migration; system metrics log every start and stop.
    for name in ("mlflow", "alembic"):
        logger = logging.getLogger(name)
        if logger.level < logging.WARNING:
            logger.setLevel(logging.WARNING)
    # It logs a traceback of exceptions that are raised as well, and reported in one sentence.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def _check_exists(uri: str, shown: str) -> None:
    missing = "run a study first (harness run-study), or choose another store with --tracking-uri"
    if is_sqlite(uri):
        file = sqlite_file(uri)
        if not file.is_file():
            raise TrackingError(f"{shown}: no tracking store: {file} does not exist; {missing}")
        with _explained(shown, "read the tracking store"):
            tables = table_names(file)
        if "experiments" not in tables:
            hint = f"it contains {', '.join(sorted(tables)[:3])}: choose another store with --tracking-uri"
            raise TrackingError(
                f"{shown}: {file} is not an MLflow tracking store (it has no experiments); "
                f"{hint if tables else missing}"
            )
        return
    folder = local_folder(uri)
    if folder is not None and not folder.is_dir():
        raise TrackingError(f"{shown}: no tracking store: the folder {folder} does not exist; {missing}")


def _check_reachable(uri: str, shown: str) -> None:
    """Try the server once: MLflow itself would retry an address that does not answer for minutes."""
    if local_folder(uri) is not None:
        return
    reach_loopback_directly()
    if fault := "" if proxy_of(uri) else server_fault(uri):
        raise TrackingError(f"{shown}: {fault}")


@contextmanager
def _explained(shown: str, doing: str) -> Iterator[None]:
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        if not (
            isinstance(error, OSError)
            or type(error).__module__.startswith(("mlflow", "sqlalchemy", "sqlite3", "requests"))
        ):
            raise
        text = mask_secrets(str(error)).strip()
        if fault := _unknown_kind(text, shown) or schema_fault(text, shown):
            raise TrackingError(f"{shown}: cannot {doing}: {fault}") from error
        first = text.splitlines()[0] if text else type(error).__name__
        raise TrackingError(f"{shown}: cannot {doing}: {first}{_advice(error, text, shown)}") from error


def _unknown_kind(text: str, shown: str) -> str:
    """Return that no store has such a scheme if ``text`` is MLflow's message about that, else empty."""
    if "unsupported URI" not in text and "unsupported database" not in text.lower():
        return ""
    return (
        f"MLflow does not support stores of the kind {shown.partition(':')[0]!r}; use sqlite:///folder/mlflow.db, the "
        "address of a server (https://), or postgresql+psycopg://user@host/name"
    )


def _advice(error: Exception, text: str, shown: str) -> str:
    """Return what to do about ``error``; empty if unknown."""
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "disk is full" in text:
        return f"; free some space there, {_GO_ON}"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS) or "readonly" in text or "unable to open database" in text:
        return f"; make the folder writable or choose another store with --tracking-uri, {_GO_ON}"
    if "disk I/O error" in text:
        return (
            "; the disk is failing, or it is a network file system, on which SQLite's locks do not work: choose a "
            f"store on a local disk with --tracking-uri, {_GO_ON}"
        )
    if "is locked" in text:
        return f"; another program (a database browser, a backup) has it open: close that program, {_GO_ON}"
    if is_transient(error):
        return f"; it did not recover within a minute: start it, {_GO_ON}"
    if "not a database" in text or "malformed" in text:
        return (
            "; it is not a SQLite database, or is damaged: restore a copy or choose another store with --tracking-uri"
        )
    if proxy := proxy_of(shown):
        return (
            f"; the request went through the proxy {mask_secrets(proxy)}: if none is needed, add the host to NO_PROXY"
        )
    return ""
