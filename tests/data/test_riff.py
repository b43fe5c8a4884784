"""WAV headers as programs write them, into files and into pipes: the same samples, or said to be cut off."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from harness.data.audiofile import cut_off, decode_fully
from harness.data.clips import build_clip_table
from harness.data.inventory import ClipEntry
from harness.data.riff import cut_wav, with_length
from harness.errors import DataError
from harness.features.audio import read_mono

RATE = 22050
SOUND = np.random.default_rng(3).integers(-9000, 9000, 2001)


def samples(width: int, order: str = "<") -> bytes:
    """Return the sound as whole numbers of ``width`` bytes."""
    return b"".join(
        int(value << 8 * (width - 2)).to_bytes(width, "little" if order == "<" else "big", signed=True)
        for value in SOUND.tolist()
    )


def wav(riff: int, data: int, width: int = 2, body: bytes | None = None, magic: bytes = b"RIFF") -> bytes:
    """Return a mono WAV file whose header states these two sizes."""
    order = ">" if magic == b"RIFX" else "<"
    body = samples(width, order) if body is None else body
    form = struct.pack(f"{order}HHIIHH", 1, 1, RATE, RATE * width, width, 8 * width)
    head = magic + struct.pack(f"{order}I", riff) + b"WAVE" + b"fmt " + struct.pack(f"{order}I", 16) + form
    return head + b"data" + struct.pack(f"{order}I", data) + body


def rf64(data: int, body: bytes | None = None) -> bytes:
    """Return an RF64 file whose ds64 chunk states ``data`` bytes of samples."""
    whole = wav(0xFFFFFFFF, 0xFFFFFFFF, body=body, magic=b"RF64")
    return whole[:12] + b"ds64" + struct.pack("<IQQQI", 28, 0, data, 0, 0) + whole[12:]


N = 2 * len(SOUND)
# What these programs wrote into a pipe on Debian 12 (sox 14.4.2, ffmpeg 5.1), and placeholders of others.
STREAMED: dict[str, bytes] = {
    "sox": wav(0x7FFFF024, 0x7FFFF000),
    "sox, 24 bits: whole samples": wav(0x7FFFF048, 0x7FFFEFFF, 3, samples(3) + b"\0"),
    "ffmpeg": wav(0xFFFFFFFF, 0xFFFFFFFF),
    "ffmpeg, RF64": rf64(0),
    "the largest signed number": wav(0x7FFFFFFF, 0x7FFFFFFF - 36),
    "2 GiB": wav(0x80000024, 0x80000000),
    "a size of whole pages": wav(0x7FFFFF24, 0x7FFFFF00),
    "minus one less the header": wav(0xFFFFFFFF, 0xFFFFFFFF - 36),
    "zero": wav(36, 0),
    "zero twice": wav(0, 0),
    "zero, big-endian": wav(36, 0, magic=b"RIFX"),
    "all ones, big-endian": wav(0xFFFFFFFF, 0xFFFFFFFF, magic=b"RIFX"),
    "a true data size alone": wav(0xFFFFFFFF, N),
}


@pytest.mark.parametrize("case", STREAMED)
def test_a_header_without_a_length_gives_every_sample(tmp_path: Path, case: str) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(STREAMED[case])
    assert cut_off(STREAMED[case]) == ""
    facts = decode_fully(path)
    assert (facts.decoded, facts.promised, facts.cut) == (len(SOUND), len(SOUND), "")
    table = build_clip_table("esc10", [ClipEntry("clip", path, 0, 1, "r", "row 2")], ("a",), workers=1)
    assert table.frame["duration"][0] == len(SOUND) / RATE
    read, rate = read_mono(path)
    assert rate == RATE
    np.testing.assert_array_equal(read, SOUND.astype(np.float32) / 32768)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (wav(N + 36, N)[:-1], f"the header states {N} bytes of samples, but the file has {N - 1}"),
        (wav(N + 36, N, magic=b"RIFX")[:-2], f"the header states {N} bytes of samples, but the file has {N - 2}"),
        (rf64(N)[:-2], f"the header states {N} bytes of samples, but the file has {N - 2}"),
        (wav(0x7FFFF024, 0x7FFFF000)[:-1], "the last frame has only 1 of 2 bytes"),
        (wav(0x7FFFF048, 0x7FFFEFFF, 3)[:-1], "the last frame has only 2 of 3 bytes"),
        (wav(0, 0)[:-1], "the header states no length, and the last frame has only 1 of 2 bytes"),
        (rf64(0)[:-1], "the last frame has only 1 of 2 bytes"),
        # A minute of 8 channels of 64 bits at 192 kHz is a size, however few bytes are there.
        (wav(36 + 737_280_000, 737_280_000), f"states 737280000 bytes of samples, but the file has {N}"),
        (wav(0xFFFFFFFF, 0xFFFFFFFF)[:36], "the file ends before its samples"),
    ],
)
def test_what_was_cut_off_is_said_to_be(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in cut_off(content)
    path = tmp_path / "clip.wav"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        build_clip_table("esc10", [ClipEntry("clip", path, 0, 1, "r", "row 2")], ("a",), workers=1)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "after", [b"", b"LIST\x04\0\0\0abcd", b"id3 \x03\0\0\0abc\0LIST\0\0\0\0", b"odd \x01\0\0\0a\0"]
)
def test_a_file_without_samples_stays_one(tmp_path: Path, after: bytes) -> None:
    path = tmp_path / "clip.wav"
    path.write_bytes(wav(36, 0, body=after))
    assert with_length(path.read_bytes()) is None
    assert decode_fully(path).decoded == 0
    with pytest.raises(DataError, match="contains no samples"):
        build_clip_table("esc10", [ClipEntry("clip", path, 0, 1, "r", "row 2")], ("a",), workers=1)


def test_what_libsndfile_writes_is_whole_and_left_alone(tmp_path: Path) -> None:
    for subtype in ("PCM_16", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM", "GSM610"):
        for kind in ("WAV", "WAVEX", "RF64"):
            if not soundfile.check_format(kind, subtype):
                continue
            path = tmp_path / f"{kind}-{subtype}.wav"
            soundfile.write(path, SOUND[:1999] / 32768, RATE, format=kind, subtype=subtype)
            content = path.read_bytes()
            assert (cut_wav(content), with_length(content)) == ("", None), (kind, subtype)


@given(content=st.binary(max_size=120), head=st.sampled_from([wav(0, 0, body=b""), rf64(0, b""), b"RIFF\0\0\0\0WAVE"]))
def test_any_bytes_behind_a_header_are_whole_cut_off_or_given_a_length(content: bytes, head: bytes) -> None:
    whole = head + content
    assert isinstance(cut_wav(whole), str)
    made = with_length(whole)
    if made is not None:
        assert len(made) == len(whole)
        assert with_length(made) is None
