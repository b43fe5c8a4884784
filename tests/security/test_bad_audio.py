"""Each kind of bad audio, one file among good ones, through `harness data check` and through `harness run-study`."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import cli
from harness.data.audiofile import LONGEST
from harness.data.clips import build_clip_table
from harness.data.inventory import ClipEntry
from harness.errors import HarnessError
from harness.features.compute import compute_planes
from harness.features.sets import planes_of
from harness.registry import feature_set
from harness.study import FeaturesSection
from tests.security.conftest import RATE, House, noise
from tests.security.fuzz import fuzz

Spoil = Callable[[Path], object]
SOUND = noise(7)
PLANES = planes_of(feature_set("MLMC"), FeaturesSection())


def _as_float(value: float) -> Spoil:
    samples = SOUND.copy()
    samples[11] = value
    return lambda path: soundfile.write(path, samples, RATE, subtype="FLOAT")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _cut_ogg(path: Path) -> None:
    soundfile.write(path, noise(8, 4 * RATE), RATE, format="OGG")
    _cut(path)


def _replaced_by(make: Callable[[Path], object]) -> Spoil:
    def spoil(path: Path) -> None:
        path.unlink()
        make(path)

    return spoil


def _header(at: int, value: bytes) -> Spoil:
    def spoil(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[at : at + len(value)] = value
        path.write_bytes(content)

    return spoil


# What is done to one file; what `data check` calls it; what `run-study` says of it.
REFUSED: dict[str, tuple[Spoil, str, str]] = {
    "empty": (lambda path: path.write_bytes(b""), "undecodable", "is not readable audio"),
    "no samples": (lambda path: soundfile.write(path, SOUND[:0], RATE), "zero-length", "contains no samples"),
    "cut off": (_cut, "truncated", "bytes of samples"),
    "cut off, Ogg": (_cut_ogg, "truncated", "its last page is missing"),
    "wrong header": (_header(0, b"XXXX"), "undecodable", "is not readable audio"),
    "a rate of 3 Hz": (_header(24, struct.pack("<I", 3)), "unusable", "states 3 samples per second"),
    "a rate of 2 GHz": (_header(24, struct.pack("<I", 2_000_000_000)), "unusable", "samples per second"),
    "NaN": (_as_float(np.nan), "non-finite", "1 of 11025 samples are not finite, the first at sample 11 (nan)"),
    "infinity": (_as_float(np.inf), "non-finite", "1 of 11025 samples are not finite, the first at sample 11 (inf)"),
    "a text file": (lambda path: path.write_text("no sound\n" * 99), "undecodable", "is not readable audio"),
    "a directory": (_replaced_by(Path.mkdir), "undecodable", "is a folder, not a file"),
    "a broken link": (
        _replaced_by(lambda path: path.symlink_to("gone.wav")),
        "undecodable",
        "is a link to gone.wav, which does not exist",
    ),
    "a pipe": (_replaced_by(os.mkfifo), "undecodable", "is a pipe or a device"),
    "10 minutes": (
        lambda path: soundfile.write(path, np.zeros(600 * 8000, np.int16), 8000),
        "unusable",
        f"lasts 600.0 s, but at most {LONGEST:g} s can be used",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_file_is_named_by_both_commands_and_nothing_is_written(
    house: House, refusal: Callable[..., str], case: str
) -> None:
    spoil, kind, said = REFUSED[case]
    bad = house.clip(5)
    spoil(bad)
    checked = house.check()
    assert checked.exit_code == 2
    assert "Traceback" not in checked.output
    [finding] = [line for line in checked.output.splitlines() if line.startswith("error: ") and bad.name in line]
    assert finding.startswith(f"error: {kind}: {bad}: ")
    assert "; " in finding
    message = refusal(house.run(), str(bad), said)
    assert "; " in message  # what to do
    assert not (house.folder / "mlruns").exists()
    assert not (house.folder / "reports").exists()


def test_what_was_computed_before_a_bad_file_is_kept(house: House, refusal: Callable[..., str]) -> None:
    _as_float(np.nan)(house.clip(20))  # met only when features are computed
    refusal(house.run(), str(house.clip(20)))
    assert list((house.folder / "cache").rglob("clips-000000-*.npz"))


def _reference() -> np.ndarray[Any, Any]:
    time = np.arange(RATE) / RATE
    tones = [np.sin(2 * np.pi * f * time + f) for f in (220.0, 311.0, 440.0, 1000.0, 2500.0)]
    return 0.1 * np.sum(tones, axis=0)


def _at(rate: int) -> np.ndarray[Any, Any]:
    time = np.arange(rate) / rate
    return 0.1 * np.sum([np.sin(2 * np.pi * f * time + f) for f in (220.0, 311.0, 440.0, 1000.0, 2500.0)], axis=0)


def _as_mp3(path: Path) -> None:
    soundfile.write(path, _reference(), RATE, format="MP3")


# What is written; the largest mean difference of log-mel planes in dB from the plain 16-bit file; what is said of it.
ODD: dict[str, tuple[Spoil, float, str]] = {
    "stereo": (lambda path: soundfile.write(path, np.stack([_reference()] * 2, 1), RATE), 0.05, "channels"),
    "24 bits": (lambda path: soundfile.write(path, _reference(), RATE, subtype="PCM_24"), 3.0, ""),
    "float": (lambda path: soundfile.write(path, _reference(), RATE, subtype="FLOAT"), 3.0, ""),
    "8 kHz": (lambda path: soundfile.write(path, _at(8000), 8000), 3.0, ""),
    "96 kHz": (lambda path: soundfile.write(path, _at(96000), 96000), 3.0, ""),
    "MP3 named .wav": (_as_mp3, 3.0, "format"),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_audio_gives_the_planes_of_the_plain_file(tmp_path: Path, case: str) -> None:
    write, tolerance, _ = ODD[case]
    plain, odd = tmp_path / "plain.wav", tmp_path / "odd.wav"
    soundfile.write(plain, _reference(), RATE, subtype="PCM_16")
    write(odd)
    expected, got = (compute_planes(path, PLANES, FeaturesSection()) for path in (plain, odd))
    for plane in PLANES:
        assert np.isfinite(got[plane]).all()
        assert abs(len(got[plane]) - len(expected[plane])) <= 3  # an MP3 carries some padding
    [mel] = [plane for plane in PLANES if plane.name == "LM"]
    frames = min(len(got[mel]), len(expected[mel])) - 2
    # Where the tones are: between them lies only the noise of 16 bits, and above 4 kHz nothing of a file at 8 kHz.
    loud = expected[mel][2:frames] > expected[mel].max() - 0.35 * np.ptp(expected[mel])
    assert loud.mean() > 0.05
    difference = np.abs(got[mel][2:frames] - expected[mel][2:frames])[loud]
    scale = float(np.ptp(expected[mel]))
    assert float(np.median(difference)) < tolerance / 100 * scale, (float(np.median(difference)), scale)


@pytest.mark.slow
def test_odd_audio_among_plain_files_runs_and_is_only_warned_about(house: House) -> None:
    for row, case in enumerate(ODD):
        ODD[case][0](house.clip(row))
    soundfile.write(house.clip(9), SOUND[:1], RATE)  # one sample: padded to a segment
    checked = house.check()
    said = {line.split(": ")[1]: line for line in checked.output.splitlines() if line.startswith("warning: ")}
    for row, case in enumerate(ODD):
        if kind := ODD[case][2]:
            assert house.clip(row).name in said[kind]
    assert "contains MP3, which does not match its file name" in said["format"]
    assert not [line for line in checked.output.splitlines() if line.startswith("error: ") and ".wav" in line]
    result = house.run()
    assert result.exit_code == 0, result.output


def test_sound_files_pass_the_check(house: House) -> None:
    """But for the clips that three folds of ten clips lack: the counts are the only errors."""
    result = house.check()
    errors = [line for line in result.output.splitlines() if line.startswith("error: ")]
    assert [line.split(": ")[1] for line in errors] == ["count"] * 3
    result = CliRunner().invoke(cli, ["data", "check", "urbansound8k", "--data-root", str(house.data)])
    assert result.exit_code == 2
    assert "error: metadata: " in result.output


def _features_or_refusal(path: Path) -> None:
    """Any bytes are a clip with finite planes, or one HarnessError that names the file."""
    entry = ClipEntry("clip", path, 0, 1, "recording", "meta.csv, row 2")
    try:
        table = build_clip_table("esc10", [entry], ("a",), workers=1)
        planes = compute_planes(path, PLANES[:1], FeaturesSection())
    except HarnessError as error:
        told = str(error)
    else:
        assert 0 < table.frame["duration"][0] <= LONGEST
        assert all(np.isfinite(values).all() for values in planes.values())
        return
    assert str(path) in told


@fuzz(100)
@given(
    kind=st.sampled_from(["WAV", "OGG", "FLAC"]),
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 7), st.booleans()), min_size=1, max_size=8),
    keep=st.floats(0.3, 1) | st.just(1.0),
)
def test_any_damage_of_a_file_is_features_or_one_error(
    kind: str, flips: list[tuple[float, int, bool]], keep: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.wav"
        soundfile.write(path, SOUND[:3000], RATE, format=kind)
        content = bytearray(path.read_bytes())
        for place, bit, in_header in flips:
            content[int(place * (min(100, len(content)) - 1 if in_header else len(content) - 1))] ^= 1 << bit
        path.write_bytes(content[: max(1, int(keep * len(content)))])
        _features_or_refusal(path)


@fuzz(50)
@given(
    content=st.binary(max_size=300),
    head=st.sampled_from([b"", b"RIFF\x24\0\0\0WAVEfmt ", b"OggS\0\2", b"fLaC", b"ID3"]),
)
def test_any_bytes_are_features_or_one_error(content: bytes, head: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.wav"
        path.write_bytes(head + content)
        _features_or_refusal(path)
