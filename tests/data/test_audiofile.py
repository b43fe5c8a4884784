"""Decoding to the last sample, and files that were cut off."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.data.audiofile import cut_off, decode_fully


@pytest.fixture
def ogg(tmp_path: Path) -> Path:
    path = tmp_path / "tone.ogg"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * 22050)
    soundfile.write(path, noise, 22050, format="OGG", subtype="VORBIS")
    return path


def test_a_whole_wav_gives_its_facts(tmp_path: Path, wav: Callable[..., None]) -> None:
    path = tmp_path / "a.wav"
    wav(path, seconds=20.0, level=16384, channels=2)  # longer than one block
    facts = decode_fully(path)
    assert (facts.promised, facts.decoded, facts.sample_rate, facts.channels) == (160000, 160000, 8000, 2)
    assert (facts.peak, facts.finite, facts.cut, facts.seconds) == (0.5, True, "", 20.0)


def test_a_whole_ogg_has_no_fault(ogg: Path) -> None:
    facts = decode_fully(ogg)
    assert facts.decoded == facts.promised == 3 * 22050
    assert (facts.cut, facts.broken) == ("", "")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
def test_a_cut_ogg_is_noticed(ogg: Path, share: float) -> None:
    content = ogg.read_bytes()
    assert cut_off(content[: int(share * len(content))])


def test_an_ogg_that_ends_between_two_pages_is_noticed(ogg: Path) -> None:
    content = ogg.read_bytes()
    assert cut_off(content[: content.rindex(b"OggS")]) == "the last page of the stream is missing"


def test_a_hole_in_an_ogg_is_noticed(ogg: Path) -> None:
    content = bytearray(ogg.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    ogg.write_bytes(bytes(content))
    facts = decode_fully(ogg)
    assert re.fullmatch(r"the Ogg page at byte \d+ fails its checksum", facts.broken)


@pytest.mark.parametrize("keep", [44, 45, 1000, 16000, 16043])
def test_a_cut_wav_is_noticed(tmp_path: Path, wav: Callable[..., None], keep: int) -> None:
    path = tmp_path / "a.wav"
    wav(path, seconds=1.0)
    content = path.read_bytes()
    assert len(content) == 16044
    assert cut_off(content) == ""
    path.write_bytes(content[:keep])
    assert f"states 16000 bytes of samples, but the file has {keep - 44}" in decode_fully(path).cut


def test_a_streamed_wav_of_unknown_size_and_further_chunks_are_no_fault(
    tmp_path: Path, wav: Callable[..., None]
) -> None:
    path = tmp_path / "a.wav"
    wav(path, seconds=0.1)
    content = path.read_bytes()
    assert cut_off(content[:40] + struct.pack("<I", 0xFFFFFFFF) + content[44:]) == ""
    listed = content[:36] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + content[36:]
    assert cut_off(listed) == ""
    assert "states" in cut_off(listed[:-1])
    assert cut_off(content[:36]) == "the file ends before its samples"


def test_samples_that_are_not_numbers_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([0.25, np.nan, np.inf, -0.5], dtype=np.float32), 8000, subtype="FLOAT")
    facts = decode_fully(path)
    assert not facts.finite
    assert facts.peak == 0.5


@pytest.mark.parametrize("content", [b"", b"not audio" * 30, b"RIFF\0\0\0\0WAVE"])
def test_what_is_no_audio_raises(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"\w"):
        decode_fully(path)


def test_a_flac_that_breaks_off_raises(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, 22050), 22050)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ValueError, match=r"\w"):
        decode_fully(path)
