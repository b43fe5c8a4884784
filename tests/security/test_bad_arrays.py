"""Array files of any content, .npy and safetensors: numbers or one sentence; no memory filled, nothing unpickled."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from harness.errors import HarnessError, TrackingError
from harness.features.cache.arrays import open_array
from harness.features.cache.cached_plane import DamagedEntryError, open_entry
from harness.features.cache.chunks import read_part
from harness.tracking.files import read_weights
from harness.training.weights import LARGEST
from tests.security.fuzz import fuzz
from tests.security.test_bad_features import publish

F32 = "F32"


def npy(header: object, body: bytes = b"\0" * 40, version: tuple[int, int] = (1, 0)) -> bytes:
    """Return an array file with any header: a dictionary, or text as it is."""
    text = (header if isinstance(header, str) else repr(header)).encode("latin-1", "replace") + b"\n"
    length = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + body


def about(shape: object, descr: object = "<f4", order: bool = False) -> dict[str, object]:
    return {"descr": descr, "fortran_order": order, "shape": shape}


ARRAYS = {
    "negative": npy(about((-2, -5))),
    "huge": npy(about((2**60, 5))),
    "larger than numbers go": npy(about((2**70, 5))),
    "nothing of huge rows": npy(about((0, 2**62)), b""),
    "a truth value": npy(about((True, 10))),
    "text as shape": npy(about("ten")),
    "Fortran order": npy(about((2, 5), order=True)),
    "big-endian": npy(about((2, 5), ">f4")),
    "halves": npy(about((2, 5), "<f2")),
    "records": npy(about((2, 5), [("a", "<f4")])),
    "objects": npy(about((2, 5), "|O")),
    "text": npy(about((2,), "<U5")),
    "another version": npy(about((2, 5)), version=(9, 0)),
    "code": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os').getpid(), 5)}"),
    "brackets": npy("(" * 5000 + ")" * 5000),
    "no header": npy(""),
    "an archive": b"PK\x03\x04" + b"\0" * 60,
    "a pickle": b"\x80\x04N.",
    "cut off": npy(about((2, 5)), b"\0" * 39),
    "empty": b"",
}


@pytest.mark.parametrize("case", ARRAYS)
def test_a_crafted_array_is_one_sentence(tmp_path: Path, case: str) -> None:
    file = tmp_path / "x.npy"
    file.write_bytes(ARRAYS[case])
    with pytest.raises(ValueError, match=r"^(not an array file, or truncated|its dtype is|it is stored) ") as caught:
        open_array(file)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("case", [*ARRAYS, "one number", "a list"])
def test_an_entry_whose_manifest_vouches_for_crafted_arrays_is_damaged(tmp_path: Path, case: str) -> None:
    """The manifest is in the same folder: whoever writes an array can state its checksum."""
    target = publish(tmp_path)
    shape: tuple[int, ...] = {"one number": (), "a list": (10,)}.get(case, (2, 5))
    content = ARRAYS.get(case) or npy(about(shape))
    (target.folder / "LM.npy").write_bytes(content)
    manifest = json.loads((target.folder / "manifest.json").read_text())
    manifest["files"]["LM.npy"] = {
        "shape": list(shape),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    (target.folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DamagedEntryError):
        open_entry(target, 2)


@fuzz(200)
@given(
    header=st.fixed_dictionaries(
        {
            "descr": st.sampled_from(["<f4", ">f4", "<i8", "|O", "<f2", "<V9", "", "<f4,<i8"]) | st.integers(),
            "fortran_order": st.booleans() | st.none(),
            "shape": st.lists(st.integers(-(2**66), 2**66) | st.integers(0, 4), max_size=70).map(tuple) | st.text(),
        }
    )
    | st.text(max_size=80),
    size=st.integers(0, 64),
    version=st.sampled_from([(1, 0), (2, 0), (3, 0)]),
)
def test_an_array_file_of_any_header_is_its_numbers_or_one_sentence(
    header: object, size: int, version: tuple[int, int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.npy"
        file.write_bytes(npy(header, b"\0" * size, version))
        try:
            array = open_array(file)
        except ValueError as error:
            said = str(error)
        else:
            said = ""
        if said:
            assert "\n" not in said
            return
        assert array.dtype in (np.float32, np.int64)
        assert array.nbytes <= size
        assert not array.any()


@pytest.mark.slow
def test_a_part_that_would_fill_memory_is_none(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("frames.npy", npy(about((1,), "<i8"), b"\0" * 8))
        archive.writestr("values.npy", npy(about((10_000, 5_000)), b"\0" * 200_000_000))
    assert bomb.stat().st_size < 1_000_000
    assert read_part(bomb, "segments", 1) is None
    with zipfile.ZipFile(bomb, "w") as archive:
        archive.writestr("frames.npy", npy(about((1,), "<i8"), b"\0" * 8))
        archive.writestr("values.npy", npy(about((2**50, 2**10))))
    assert read_part(bomb, "segments", 1) is None


def tensors(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    """Return a safetensors file with any header: JSON data, or bytes as they are."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def tensor(first: int, last: int, shape: list[int], kind: str = F32) -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [first, last]}


WEIGHTS = {
    "a header of exabytes": tensors(b"{}", length=2**63 - 1),
    "a header beyond the end": tensors(b"{}", length=99_000_000),
    "a huge shape": tensors({"w": tensor(0, 4, [2**40, 2**40])}, b"\0" * 4),
    "a shape larger than its bytes": tensors({"w": tensor(0, 4, [2])}, b"\0" * 4),
    "overlapping": tensors({"a": tensor(0, 8, [2]), "b": tensor(4, 12, [2])}, b"\0" * 12),
    "a hole": tensors({"a": tensor(4, 8, [1])}, b"\0" * 8),
    "backwards": tensors({"a": tensor(8, 4, [1])}, b"\0" * 8),
    "negative": tensors({"a": tensor(0, 8, [-2])}, b"\0" * 8),
    "brackets": tensors(b"[" * 100_000),
    "no text": tensors(b"\xff\xfe" * 20),
    "cut off": save({"w": np.zeros(9, np.float32)})[:-1],
    "something after its end": save({"w": np.zeros(9, np.float32)}) + b"x",
    "an unknown type": tensors({"a": tensor(0, 8, [1], "O")}, b"\0" * 8),
    **{f"of type {kind}": tensors({"a": tensor(0, 4, shape, kind)}, b"\0" * 4)
       for kind, shape in (("BF16", [2]), ("F8_E4M3", [4]), ("F8_E8M0", [4]), ("F4", [8]), ("U16", [2]))},
    "complex": tensors({"a": tensor(0, 8, [1], "C64")}, b"\0" * 8),
}  # fmt: skip


def refused(file: Path) -> None:
    """See that ``file`` is refused in one sentence."""
    with pytest.raises(TrackingError, match="damaged") as caught:
        read_weights(file)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 900


@pytest.mark.parametrize("case", WEIGHTS)
def test_crafted_weights_are_one_sentence(tmp_path: Path, case: str) -> None:
    (tmp_path / "x.safetensors").write_bytes(WEIGHTS[case])
    refused(tmp_path / "x.safetensors")


def test_weights_that_would_fill_memory_are_not_read(tmp_path: Path) -> None:
    file, size = tmp_path / "x.safetensors", LARGEST + (1 << 30)
    file.write_bytes(tensors({"w": tensor(0, size, [size // 4])}))
    # All of it is there, and takes no room on the disk.
    os.truncate(file, file.stat().st_size + size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_weights_that_are_no_file_are_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.safetensors"):
        with pytest.raises(TrackingError, match="cannot be read"):
            read_weights(path)


def test_any_number_is_read_as_it_was_written(tmp_path: Path) -> None:
    weights = {
        "w": np.array([[np.nan, np.inf, -0.0]], np.float32),
        "n": np.array(3, np.int64),
        "h": np.ones(2, np.float16),
        "b": np.array([True]),
    }
    (tmp_path / "x.safetensors").write_bytes(save(weights))
    found = read_weights(tmp_path / "x.safetensors")
    assert found.keys() == weights.keys()
    for name, array in weights.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == array.tobytes()


@pytest.mark.slow
@fuzz(200)
@given(
    header=st.dictionaries(
        st.text(max_size=5),
        st.fixed_dictionaries(
            {
                "dtype": st.sampled_from(["F32", "F64", "I64", "BF16", "F8_E5M2", "BOOL", "C64", "X"]) | st.integers(),
                "shape": st.lists(st.integers(-1, 3) | st.integers(0, 2**64), max_size=3),
                "data_offsets": st.lists(st.integers(0, 32) | st.integers(0, 2**64), min_size=1, max_size=3),
            }
        ),
        max_size=3,
    ),
    size=st.integers(0, 32),
)
def test_weights_of_any_header_are_numbers_or_one_sentence(header: dict[str, Any], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.safetensors"
        file.write_bytes(tensors(header, b"\0" * size))
        try:
            found = read_weights(file)
        except HarnessError as error:
            said = str(error)
        else:
            said = ""
            assert sum(array.nbytes for array in found.values()) <= size
        assert "\n" not in said
