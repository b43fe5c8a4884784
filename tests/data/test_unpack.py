"""Archives from elsewhere: what is safe is unpacked, all else is refused and touches nothing outside."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data.unpack import unpack
from harness.errors import DataError

FILES = {"set/meta/table.csv": b"a,b\n1,2\n", "set/audio/one.wav": b"x" * 5000, "set/empty.txt": b""}
Member = tuple[tarfile.TarInfo, bytes]


def _tar(path: Path, members: list[Member], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def _regular(name: str, content: bytes = b"x") -> Member:
    return tarfile.TarInfo(name), content


def _special(name: str, kind: bytes, link: str = "") -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, b""


def _zip(path: Path, members: list[tuple[zipfile.ZipInfo | str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for info, content in members:
            file.writestr(info, content)
    return path


def _tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_unpacked(tmp_path: Path, mode: str) -> None:
    folder = tarfile.TarInfo("./set/")
    folder.type, folder.mode = tarfile.DIRTYPE, 0o000
    archive = _tar(tmp_path / "a.tar", [(folder, b""), *(_regular(f"./{name}", FILES[name]) for name in FILES)], mode)
    unpack(archive, tmp_path / "out", max_bytes=10_000)
    assert _tree(tmp_path / "out") == FILES


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", [("set/", b""), *FILES.items()])
    unpack(archive, tmp_path / "out", max_bytes=10_000)
    assert _tree(tmp_path / "out") == FILES


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "tar with dots": (lambda p: _tar(p, [_regular("set/../../evil")]), "leads out of the folder"),
    "tar with absolute path": (lambda p: _tar(p, [_regular(str(p.parent / "evil"))]), "leads out of the folder"),
    "tar with a symlink out": (lambda p: _tar(p, [_special("set/l", tarfile.SYMTYPE, "../../x")]), "is a link"),
    "tar with a file through a symlink": (
        lambda p: _tar(p, [_special("set", tarfile.SYMTYPE, ".."), _regular("set/evil")]),
        "is a link",
    ),
    "tar with a hard link out": (lambda p: _tar(p, [_special("l", tarfile.LNKTYPE, "../x")]), "is a link"),
    "tar with a device": (lambda p: _tar(p, [_special("d", tarfile.CHRTYPE)]), "a device"),
    "tar with a pipe": (lambda p: _tar(p, [_special("p", tarfile.FIFOTYPE)]), "a pipe"),
    "tar with a name twice": (lambda p: _tar(p, [_regular("a"), _regular("./a")]), "collides"),
    "tar with a file as folder": (lambda p: _tar(p, [_regular("a"), _regular("a/b")]), "collides"),
    "tar with too many bytes": (lambda p: _tar(p, [_regular("a", b"0" * 20_000_000)]), "goes beyond the 10000 bytes"),
    "tar with too many bytes in all": (
        lambda p: _tar(p, [_regular(str(n), b"0" * 4000) for n in range(3)]),
        "goes beyond the 10000 bytes",
    ),
    "tar with too many members": (lambda p: _tar(p, [_regular(str(n), b"") for n in range(9)]), "at most 8"),
    "zip with dots": (lambda p: _zip(p, [("set/../../evil", b"x")]), "leads out of the folder"),
    "zip with absolute path": (lambda p: _zip(p, [(str(p.parent / "evil"), b"x")]), "leads out of the folder"),
    "zip with backslashes": (lambda p: _zip(p, [("..\\..\\evil", b"x")]), "has a backslash"),
    "zip with a drive": (lambda p: _zip(p, [("C:evil", b"x")]), "a colon"),
    "zip with a symlink": (lambda p: _zip(p, [(_zip_link("set/l"), b"../../x")]), "is a link"),
    "zip bomb": (lambda p: _zip(p, [("a", b"0" * 20_000_000)]), "goes beyond the 10000 bytes"),
    "neither": (lambda p: _write(p, b"<html>Not found</html>"), "neither a zip nor a tar"),
    "empty": (lambda p: _write(p, b""), "neither a zip nor a tar"),
}


def _zip_link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_unsafe_is_refused_and_nothing_lands_outside(tmp_path: Path, case: str) -> None:
    make, said = HOSTILE[case]
    archive = make(tmp_path / "archive")
    with pytest.raises(DataError, match=said) as raised:
        unpack(archive, tmp_path / "deep" / "out", max_bytes=10_000, max_members=8)
    assert str(archive) in str(raised.value)
    outside = {path.name for path in tmp_path.rglob("*") if "out" not in path.relative_to(tmp_path).parts}
    assert outside == {"archive", "deep"}
    assert sum(len(content) for content in _tree(tmp_path / "deep" / "out").values()) <= 10_000
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", [("a", b"0" * 1_000_000)])
    content = archive.read_bytes()
    lying = content.replace((1_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lying != content
    archive.write_bytes(lying)
    with pytest.raises(DataError):
        unpack(archive, tmp_path / "out", max_bytes=10_000)
    assert sum(len(found) for found in _tree(tmp_path / "out").values()) <= 10_000


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    noise = bytes(range(256)) * 200
    tar = _tar(tmp_path / "a.tar.gz", [_regular("a", noise), _regular("b", noise)])
    tar.write_bytes(tar.read_bytes()[: tar.stat().st_size // 2])
    zipped = _zip(tmp_path / "a.zip", [("a", noise)])
    content = bytearray(zipped.read_bytes())
    content[60] ^= 0xFF
    zipped.write_bytes(bytes(content))
    for number, archive in enumerate((tar, zipped)):
        with pytest.raises(DataError, match="cannot be unpacked"):
            unpack(archive, tmp_path / f"out{number}", max_bytes=10**6)


def test_a_full_disk_is_not_called_a_damaged_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    import harness.data.unpack as module

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    archive = _zip(tmp_path / "a.zip", [("a", b"x")])
    monkeypatch.setattr(module, "_create", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(archive, tmp_path / "out", max_bytes=10)
