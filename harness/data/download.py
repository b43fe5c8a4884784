"""Fetching a data set: download with resume and checksum, unpack safely, check, and then move into place.

Where a source has no checksum (ESC-50's archive is created on demand), or the user gives another address without one,
the content is checked instead: official counts, and every file decoded.
"""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
from functools import partial
from pathlib import Path

from harness.data.dataset_check import check_dataset
from harness.data.load_clips import read_inventory, require_whole
from harness.data.transfer import ResumingDownloader
from harness.data.unpack import unpack
from harness.errors import DataError
from harness.registry import DATASETS, Source
from harness.system.addresses import AddressFaultError, split_address
from harness.system.locks import locked
from harness.system.redaction import mask_address

_logger = logging.getLogger(__name__)
_CHECKSUM = re.compile(r"(md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})")
_SHOWN = 5


def fetch(name: str, root: Path, *, url: str | None = None, checksum: str | None = None, progress: bool = True) -> Path:
    """Return the folder of the data set ``name`` below ``root``, downloading it unless it is there and complete.

    An interrupted download resumes when called again. The folder appears at once, complete; an existing one is never
    changed. The archive is deleted once its content is in place.

    Parameters
    ----------
    name : str
        Name of a data set that can be downloaded.
    root : Path
        The data root.
    url : str, optional
        Another address to download from; the official source by default.
    checksum : str, optional
        Checksum of the archive as ``algorithm:hex`` (md5, sha1, sha256, sha512). The checksum of the official source is
        not applied to another address. Without a checksum the content is checked (see the module).
    progress : bool
        Whether to show a progress bar.

    Raises
    ------
    DataError
        When the data set cannot be fetched, the checksum differs, the archive is unsafe or its content is not the
        complete data set; or when the folder is there but incomplete.
    """
    source = _source(name)
    if url is None:
        url, checksum = source.url, checksum or source.checksum
    try:
        split_address(url)
    except AddressFaultError as fault:
        raise DataError(f"{mask_address(url)}: cannot be fetched: {fault}") from None
    if checksum is not None and not _CHECKSUM.fullmatch(checksum.lower()):
        raise DataError(
            f"checksum: received {checksum!r}, expected algorithm:digest, e.g. md5: and 32 hexadecimal digits"
        )
    target = root / source.folder
    existing = next((root / folder for folder in source.folders if (root / folder).exists()), None)
    if existing is not None:
        _require_existing(name, root, existing)
        return existing
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Other processes wait, as their pieces would mix.
        with locked(root / f".{source.folder}.lock", waiting=partial(_wait, root), temporary=True):
            if target.exists():  # another process has fetched it while this one waited
                _require_existing(name, root, target)
                return target
            _place(name, source, root, url, checksum, progress)
    except OSError as error:
        raise DataError(
            f"{root}: {name} cannot be written here ({error.strerror or error}); choose a writable data root with "
            "--data-root or HARNESS_DATA"
        ) from None
    return target


def _wait(root: Path, _holder: str) -> None:
    _logger.warning("%s: another process is fetching into this folder; waiting for it to finish", root)


def _place(name: str, source: Source, root: Path, url: str, checksum: str | None, progress: bool) -> None:
    """Download, unpack, check, and move the data set to its place in ``root``."""
    archive = _download(source, root, url, checksum, progress)
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=root) as temporary:
        stage = Path(temporary) / "checked"
        stage.mkdir()
        try:
            unpack(archive, Path(temporary) / "unpacked", max_bytes=source.max_bytes)
            _find(Path(temporary) / "unpacked", source, url).rename(stage / source.folder)
            _require_content(name, stage, url, decode=checksum is None)
        except DataError:
            # If kept, it would fail again: the next call has to start the download again.
            archive.unlink(missing_ok=True)
            raise
        (stage / source.folder).rename(root / source.folder)
    archive.unlink(missing_ok=True)


def _source(name: str) -> Source:
    dataset = DATASETS.get(name)
    if dataset.source is None:
        how = "a study that uses it generates it on demand" if dataset.prepare else "copy it to the data root"
        raise DataError(f"the data set {name} cannot be fetched; {how}")
    return dataset.source


def _require_existing(name: str, root: Path, existing: Path) -> None:
    try:
        require_whole(read_inventory(name, root))
    except DataError as error:
        raise DataError(f"{existing} already exists but is incomplete; move it away and fetch again. {error}") from None


def _download(source: Source, root: Path, url: str, checksum: str | None, progress: bool) -> Path:
    import pooch

    # It would show the unmasked address, which may contain a password.
    pooch.get_logger().setLevel(logging.WARNING)
    # A download from another address is another file.
    name = f".{hashlib.sha256(url.encode()).hexdigest()[:8]}-{source.archive}"
    downloader = ResumingDownloader(root / f"{name}.part", progress=progress, max_bytes=source.max_bytes)
    try:
        return Path(
            pooch.retrieve(
                url,
                known_hash=checksum.lower() if checksum else None,
                fname=name,
                path=root,
                downloader=downloader,
            )
        )
    except ValueError as error:
        # pooch has deleted the bytes, so another call starts from the beginning.
        raise DataError(
            f"{url}: the downloaded file does not have the checksum {checksum} ({error}); fetch again, or check the "
            "address"
        ) from None


def _find(unpacked: Path, source: Source, url: str) -> Path:
    """Return the data set's folder: the archive's root, or a folder in it."""
    for folder in (unpacked, *sorted(item for item in unpacked.iterdir() if item.is_dir())):
        if (folder / source.metadata).is_file():
            return folder
    raise DataError(f"{url}: the archive has no {source.folder}/{source.metadata}; check the address")


def _require_content(name: str, stage: Path, url: str, decode: bool) -> None:
    try:
        require_whole(read_inventory(name, stage))
    except DataError as error:
        raise DataError(f"{url}: the archive does not contain all of {name}. {error}") from None
    report = check_dataset(name, stage) if decode else None
    if report is not None and not report.ok:
        shown = "; ".join(f"{finding.file.name}: {finding.kind}, {finding.what}" for finding in report.errors[:_SHOWN])
        raise DataError(
            f"{url}: the archive has {len(report.errors)} damaged files ({shown}); fetch again, or check the address"
        )
