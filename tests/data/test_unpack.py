"""Archives from elsewhere: what is safe is unpacked, all else is refused and touches nothing outside."""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
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
    "tar with dots": (lambda p: _tar(p, [_regular("set/../../evil")]), "points outside the folder"),
    "tar with absolute path": (lambda p: _tar(p, [_regular(str(p.parent / "evil"))]), "points outside the folder"),
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
    "tar with too many bytes": (lambda p: _tar(p, [_regular("a", b"0" * 20_000_000)]), "exceeds the 10000 bytes"),
    "tar with too many bytes in all": (
        lambda p: _tar(p, [_regular(str(n), b"0" * 4000) for n in range(3)]),
        "exceeds the 10000 bytes",
    ),
    "tar with too many members": (lambda p: _tar(p, [_regular(str(n), b"") for n in range(9)]), "at most 8"),
    "zip with dots": (lambda p: _zip(p, [("set/../../evil", b"x")]), "points outside the folder"),
    "zip with absolute path": (lambda p: _zip(p, [(str(p.parent / "evil"), b"x")]), "points outside the folder"),
    "zip with backslashes": (lambda p: _zip(p, [("..\\..\\evil", b"x")]), "has a backslash"),
    "zip with a drive": (lambda p: _zip(p, [("C:evil", b"x")]), "a colon"),
    "zip with a symlink": (lambda p: _zip(p, [(_zip_link("set/l"), b"../../x")]), "is a link"),
    "zip bomb": (lambda p: _zip(p, [("a", b"0" * 20_000_000)]), "exceeds the 10000 bytes"),
    "neither": (lambda p: _write(p, b"<html>Not found</html>"), "neither a zip nor a tar"),
    "empty": (lambda p: _write(p, b""), "neither a zip nor a tar"),
}


def _raw(name: str, kind: bytes, content: bytes = b"", **fields: int) -> bytes:
    """Return a header of any type and its content, as a tar holds them."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, fields.pop("size", len(content))
    for field, value in fields.items():
        setattr(info, field, value)
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def _pax(**values: str) -> bytes:
    """Return the records of a PAX header."""
    records = b""
    for key, value in values.items():
        rest = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length = len(str(length)) + len(rest)
        records += str(length).encode() + rest
    return records


END = bytes(1024)
FILE = _raw("set/a", tarfile.REGTYPE, b"x")
HEADERS: dict[str, tuple[bytes, str]] = {
    "a long PAX header": (_raw("p", b"x", b"0" * 2_000_000) + FILE, "bytes of headers before a member"),
    "a long PAX header for all": (_raw("p", b"g", b"0" * 2_000_000) + FILE, "bytes of headers before a member"),
    "a long PAX header of Solaris": (_raw("p", b"X", b"0" * 2_000_000) + FILE, "bytes of headers before a member"),
    "a long name": (_raw("p", b"L", b"0" * 2_000_000) + FILE, "bytes of headers before a member"),
    "a long link": (_raw("p", b"K", b"0" * 2_000_000) + FILE, "bytes of headers before a member"),
    "many short PAX headers": (_raw("p", b"x", _pax(comment="a")) * 900 + FILE, "bytes of headers before|recursion"),
    "many headers for all": (
        b"".join(_raw("p", b"g", _pax(**{f"k{n}": "v" * 900_000})) + _raw(f"{n}", b"0") for n in range(3)),
        "bytes of headers that apply to all|unpacks to more",
    ),
    "a header that is not all there": (FILE + _raw("p", b"x", b"", size=900_000), "cannot be unpacked"),
    "a PAX header of negative size": (
        _raw("p", b"x", b"", size=-512) + FILE,
        "a negative header size|points backwards",
    ),
    "a file of negative size": (_raw("a", b"0", b"", size=-10240) + FILE, "points backwards"),
    "a PAX size of negative size": (_raw("p", b"x", _pax(size="-99999")) + FILE, "points backwards"),
    "a PAX size beyond all bounds": (_raw("p", b"x", _pax(size="9" * 4000)) + FILE, "cannot be unpacked|exceeds the"),
    "a PAX number of too many digits": (_raw("p", b"x", b"9" * 9000 + b" a=b\n") + FILE, "cannot be unpacked"),
    "a PAX path out of the folder": (_raw("p", b"x", _pax(path="../evil")) + FILE, "points outside the folder"),
    "a PAX path for all out of the folder": (_raw("p", b"g", _pax(path="/evil")) + FILE, "points outside|header|set/a"),
    "a long name out of the folder": (_raw("p", b"L", b"set/" + b"../" * 90 + b"evil\0") + FILE, "points outside"),
    "a name of too many bytes": (
        _raw("p", b"L", b"a/" * 20 + b"n" * 600 + b"\0") + FILE,
        "a name of more than 500 bytes",
    ),
    "a name too deep": (_raw("p", b"L", b"a/" * 200 + b"n\0") + FILE, "30 folders deep"),
    "a name that clears the screen": (_raw("set/\x1b[2J", b"0"), "unprintable"),
    "a sparse file of old GNU": (_raw("s", b"S", b"x" * 512), "sparse"),
    "a sparse file of PAX 0.1": (
        _raw("p", b"x", _pax(GNU__sparse__map="0,1", GNU__sparse__size="9")) + FILE,
        "sparse",
    ),
    "a sparse file of PAX 1.0": (
        _raw("p", b"x", _pax(GNU__sparse__major="1", GNU__sparse__minor="0", GNU__sparse__realsize="9" * 15))
        + _raw("s", b"0", b"1\n0\n1\n" + bytes(600)),
        "sparse",
    ),
    "a sparse map of no numbers": (_raw("p", b"x", _pax(GNU__sparse__map="a,b")) + FILE, "cannot be unpacked"),
    "a sparse file of holes alone": (
        _raw("p", b"x", _pax(GNU__sparse__map="", GNU__sparse__size="9" * 15)) + FILE,
        "cannot be unpacked|sparse",
    ),
    "a hard link": (FILE + _raw("l", b"1"), "is a link"),
    "a symbolic link": (_raw("l", b"2"), "is a link"),
    "a character device": (_raw("d", b"3"), "a device"),
    "a block device": (_raw("d", b"4"), "a device"),
    "a pipe": (_raw("d", b"6"), "a pipe"),
    "a volume": (_raw("d", b"V"), "is a link, a device"),
    "a part of a file": (_raw("d", b"M"), "is a link, a device"),
    "a type that nobody knows": (_raw("d", b"Z", b"x"), "is a link, a device"),
    "names that differ in case": (FILE + _raw("SET/A", b"0"), "collides with another member"),
    "folders that differ in case": (FILE + _raw("SeT/b", b"0"), "collides with another member"),
    "accents in two forms": (_raw("\u00e9", b"0") + _raw("e\u0301", b"0"), "collides with another member"),
    "a folder in the place of a file": (FILE + _raw("set/a", b"5"), "collides with another member"),
    "a file below a file": (FILE + _raw("set/a/b", b"0"), "collides with another member"),
    "a damaged header after a good one": (FILE + b"\xff" * 512 + END, "header before byte"),
    "a file that is not all there": (_raw("a", b"0", b"x" * 100, size=9000), "cannot be unpacked"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("case", HEADERS)
def test_every_kind_of_header_is_refused_with_its_reason(tmp_path: Path, case: str, packed: bool) -> None:
    content, said = HEADERS[case]
    archive = _write(tmp_path / "archive", gzip.compress(content + END) if packed else content + END)
    with pytest.raises(DataError, match=said) as raised:
        unpack(archive, tmp_path / "out", max_bytes=10_000_000, max_members=1000)
    assert str(archive) in str(raised.value)
    assert len(str(raised.value)) < 1000
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "out"}
    assert not any(path.is_symlink() or path.is_fifo() for path in tmp_path.rglob("*"))


def test_what_is_usual_beside_plain_files_is_unpacked(tmp_path: Path) -> None:
    long = "n" * 200
    archive = _write(
        tmp_path / "a.tar",
        _raw("p", b"g", _pax(comment="a commit"))
        + _raw("p", b"x", _pax(path=f"set/{long}", mtime="1.5", SCHILY__xattr__user__x="y" * 5000))
        + _raw("short", b"0", b"1")
        + _raw("p", b"L", f"set/L{long}".encode() + b"\0")
        + _raw("short", b"0", b"2")
        + _raw("set/contiguous", b"7", b"3")
        + _raw("set/old", b"\0", b"4")
        + END
        + b"what comes after the end is not read",
    )
    unpack(archive, tmp_path / "out", max_bytes=100)
    assert _tree(tmp_path / "out") == {
        f"set/{long}": b"1",
        f"set/L{long}": b"2",
        "set/contiguous": b"3",
        "set/old": b"4",
    }


def test_rights_of_the_archive_are_not_given(tmp_path: Path) -> None:
    archive = _write(
        tmp_path / "a.tar",
        _raw("set", b"5", mode=0o7777) + _raw("set/run", b"0", b"x", mode=0o7777, uid=0, gid=0) + END,
    )
    unpack(archive, tmp_path / "out", max_bytes=100)
    for path in (tmp_path / "out").rglob("*"):
        assert not path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX)
    assert not (tmp_path / "out" / "set" / "run").stat().st_mode & 0o111


def test_gzip_of_several_members_is_one_archive(tmp_path: Path) -> None:
    content = FILE + _raw("set/b", b"0", b"y") + END
    archive = _write(tmp_path / "a", gzip.compress(content[:700]) + gzip.compress(b"") + gzip.compress(content[700:]))
    unpack(archive, tmp_path / "out", max_bytes=100)
    assert _tree(tmp_path / "out") == {"set/a": b"x", "set/b": b"y"}


def test_xz_of_several_streams_is_one_archive_and_its_memory_is_bounded(tmp_path: Path) -> None:
    content = FILE + END
    archive = _write(tmp_path / "a", lzma.compress(content[:100]) + lzma.compress(content[100:]))
    unpack(archive, tmp_path / "out", max_bytes=100)
    assert _tree(tmp_path / "out") == {"set/a": b"x"}
    # The first block's header says how large the dictionary is: one byte, which its checksum follows.
    greedy = bytearray(lzma.compress(content, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]))
    end = 12 + 4 * greedy[12]
    greedy[greedy.index(b"\x21\x01") + 2] = 38  # 2 GiB
    greedy[end : end + 4] = zlib.crc32(greedy[12:end]).to_bytes(4, "little")
    archive.write_bytes(lzma.compress(content[:100]) + bytes(greedy))
    with pytest.raises(DataError, match="emory"):
        unpack(archive, tmp_path / "out2", max_bytes=100)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_a_method_that_unpacks_at_once_is_refused(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as file:
        file.writestr("a", bytes(1_000_000))
    with pytest.raises(DataError, match=f"uses compression method {method}"):
        unpack(tmp_path / "a.zip", tmp_path / "out", max_bytes=10_000)


def test_a_zip_with_one_content_under_many_names_is_refused(tmp_path: Path) -> None:
    """Overlapping entries: what one member takes on the disk is unpacked for each of its names."""
    archive = _zip(tmp_path / "a.zip", [("a", bytes(9_000)), ("b", bytes(9_000)), ("c", bytes(9_000))])
    content = bytearray(archive.read_bytes())
    first = struct.unpack_from("<L", content, content.index(b"PK\1\2") + 42)[0]
    at = -1
    while (at := content.find(b"PK\1\2", at + 1)) >= 0:
        struct.pack_into("<L", content, at + 42, first)
    archive.write_bytes(bytes(content))
    with pytest.raises(DataError):
        unpack(archive, tmp_path / "out", max_bytes=10_000)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", [("a", b"x")])
    content = bytearray(archive.read_bytes())
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + flags] |= 1
    archive.write_bytes(bytes(content))
    with pytest.raises(DataError, match="is encrypted"):
        unpack(archive, tmp_path / "out", max_bytes=100)


def test_a_zip_with_a_long_list_of_members_is_refused_before_it_is_read(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", [(f"{number:0200}", b"") for number in range(6000)])
    with pytest.raises(DataError, match="a member list of"):
        unpack(archive, tmp_path / "out", max_bytes=100, max_members=9)


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
