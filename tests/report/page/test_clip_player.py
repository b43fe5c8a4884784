"""Embedded clips: which ones, their sound as it is or as FLAC, and what is refused."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from numpy.typing import NDArray

from harness.errors import ReportError
from harness.report.evidence import Evidence
from harness.report.page.clip_player import Audio, clips_section, hardest, spectrogram_figure

RATE = 8000


def tone(channels: int = 1) -> NDArray[np.float64]:
    one = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    return np.stack([one] * channels, axis=1)


def files_of(evidence: Evidence, path: Path) -> dict[str, Path]:
    return dict.fromkeys(evidence.record.predictions["clip_id"].unique(), path)


def sounds_of(section: str) -> list[tuple[str, bytes]]:
    found = re.findall(r'<audio [^>]*src="data:([^;]*);base64,([^"]*)"', section)
    return [(kind, base64.b64decode(text)) for kind, text in found]


def test_the_hardest_clips_come_first() -> None:
    answers = pd.DataFrame(
        [
            *(("right", arm, 0.0, 0.9) for arm in "ab"),
            *(("one", arm, missed, 0.1) for arm, missed in zip("ab", (1.0, 0.5), strict=True)),
            *(("both", arm, 1.0, 0.4) for arm in "ab"),
            *(("worse", arm, 1.0, 0.2) for arm in "ab"),
        ],
        columns=["clip_id", "arm", "missed", "p_true"],
    )
    assert hardest(answers, 10) == ["worse", "both", "one"]
    assert hardest(answers, 1) == ["worse"]


def test_a_playable_file_keeps_its_bytes(evidence: Evidence, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), RATE, subtype="PCM_16")
    section = clips_section(evidence, Audio(files_of(evidence, tmp_path / "a.wav"), 2))
    assert sounds_of(section) == [("audio/wav", (tmp_path / "a.wav").read_bytes())] * 2
    assert "licence" in section
    arms = re.findall(r'<tr><th scope="row">([^<]*)</th>', section)
    assert arms == ["LMCNet", "MCNet", "MLMC", "TSCNN-DS"] * 2


def test_another_encoding_becomes_flac_of_the_same_length(evidence: Evidence, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(2), RATE, subtype="ULAW")
    ((kind, content),) = sounds_of(clips_section(evidence, Audio(files_of(evidence, tmp_path / "a.wav"), 1)))
    assert kind == "audio/flac"
    samples, rate = soundfile.read(io.BytesIO(content))
    assert (samples.shape, rate) == ((RATE, 2), RATE)
    assert np.abs(samples - tone(2)).max() < 0.02


def test_means_over_seeds_are_printed(evidence: Evidence, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), RATE, subtype="PCM_16")
    section = clips_section(evidence, Audio(files_of(evidence, tmp_path / "a.wav"), 1))
    (clip,) = re.findall("<h3>([^<]*)</h3>", section)
    rows = evidence.record.predictions.query("arm == 'MLMC'")
    rows = rows[rows["clip_id"] == clip]
    means = rows.filter(regex=r"^p_\d").mean()
    called = evidence.record.classes[int(means.to_numpy().argmax())]
    true = means[f"p_{rows['y_true'].iloc[0]}"]
    cells = f'<td>{called} {100 * means.max():.0f} %</td><td class="n">{100 * true:.0f} %</td>'
    assert f'<th scope="row">MLMC</th>{cells}' in section


def test_a_missing_clip_and_a_damaged_file_are_named(evidence: Evidence, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"clip '.*' is tested .* not in the data set below --data-root"):
        clips_section(evidence, Audio({}, 1))
    (tmp_path / "a.wav").write_bytes(b"RIFF nothing")
    with pytest.raises(ReportError, match=r"a\.wav: cannot be read as sound"):
        clips_section(evidence, Audio(files_of(evidence, tmp_path / "a.wav"), 1))


@pytest.mark.parametrize("samples", [10, 1024, 5000])
def test_the_spectrogram_of_a_tone_is_brightest_at_its_frequency(samples: int) -> None:
    figure = spectrogram_figure(tone()[:samples, 0].astype(np.float32), RATE)
    image = figure.axes[0].images[0]
    decibels = np.asarray(image.get_array())
    left, right, low, high = image.get_extent()
    assert (left, right, low, high) == (0, samples / RATE, 0, RATE / 2000)
    brightest = decibels.mean(axis=1).argmax() / (len(decibels) - 1) * high
    assert brightest == pytest.approx(1.0, abs=RATE / samples / 1000 + 0.01)


def test_silence_has_a_spectrogram() -> None:
    figure = spectrogram_figure(np.zeros(2000, dtype=np.float32), RATE)
    assert np.isfinite(np.asarray(figure.axes[0].images[0].get_array())).all()


def test_hostile_names_are_escaped(evidence: Evidence, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(), RATE, subtype="PCM_16")
    predictions = evidence.record.predictions
    named = dataclasses.replace(
        evidence.record, predictions=predictions.assign(clip_id=predictions["clip_id"] + '"><script>')
    )
    hostile = dataclasses.replace(evidence, record=named)
    section = clips_section(hostile, Audio(files_of(hostile, tmp_path / "a.wav"), 1))
    assert "<script" not in section
    assert "&lt;script&gt;" in section
