"""Clips to listen to: those that most arms miss, each with its sound, its spectrogram and what the arms answered.

Sound is embedded only on request, because the recordings have the licence of their data set.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from markupsafe import Markup
from matplotlib.figure import Figure
from numpy.typing import NDArray

from harness.comparisons.scores import checked_predictions
from harness.data.audiofile import LONGEST, RATES, open_audio
from harness.errors import ReportError
from harness.report import style
from harness.report.evidence import Evidence
from harness.report.page.page import environment
from harness.training.metrics import predicted_classes, probability_columns

MOST = 500
"""The most clips of one page."""

# What every current browser plays, by container and encoding as libsndfile names them.
_PLAYABLE = {
    ("WAV", "PCM_U8"): "audio/wav",
    ("WAV", "PCM_16"): "audio/wav",
    ("WAV", "PCM_24"): "audio/wav",
    ("WAV", "FLOAT"): "audio/wav",
    ("FLAC", "PCM_16"): "audio/flac",
    ("FLAC", "PCM_24"): "audio/flac",
    ("OGG", "VORBIS"): "audio/ogg",
    ("MP3", "MPEG_LAYER_III"): "audio/mpeg",
}
_WINDOW, _MOST_COLUMNS, _FLOOR = 1024, 480, -80.0
# Inches: width and height of a spectrogram, space for labels at its left, right and lower side.
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BELOW, _ABOVE = 3.6, 1.6, 0.42, 0.52, 0.36, 0.18


@dataclass(frozen=True)
class Audio:
    """What is embedded.

    Attributes
    ----------
    files
        The sound file of each clip of the data set, by name of the clip.
    most
        How many clips are embedded, at most :data:`MOST`.
    """

    files: Mapping[str, Path]
    most: int


@dataclass(frozen=True)
class Sound:
    """One clip as the page shows it."""

    clip: str
    name: str
    recording: str
    folds: str
    missed: str
    sound: str
    picture: str
    seconds: str
    answers: tuple[tuple[str, str, str], ...]


def clips_section(evidence: Evidence, audio: Audio) -> Markup:
    """Return the section with the clips that most arms miss.

    Raises
    ------
    ReportError
        When a clip has no file, or its file cannot be read.
    """
    answers = _answers(evidence)
    with style.figure_style():
        sounds = [_sound(evidence, clip, answers, audio.files) for clip in hardest(answers, audio.most)]
    template = environment().get_template("audio.html")
    dataset = evidence.record.spec.data.name
    return Markup(template.render(sounds=sounds, dataset=dataset, most=len(sounds)))


def hardest(answers: pd.DataFrame, most: int) -> list[str]:
    """Return the clips that most arms miss, at most ``most``.

    An arm misses a clip if its class is not the assigned one in more than half of its tests. Among clips that equally
    many arms miss, those with the smallest probability of the true class, averaged over the arms, come first.

    Parameters
    ----------
    answers
        A row for each clip and arm: ``clip_id``, ``missed`` (fraction of the tests) and ``p_true``.
    """
    clips = (
        answers.assign(miss=answers["missed"] > 0.5).groupby("clip_id").agg(arms=("miss", "sum"), p=("p_true", "mean"))
    )
    missed = clips[clips["arms"] > 0].reset_index()
    ordered = missed.sort_values(["arms", "p", "clip_id"], ascending=[False, True, True])
    return [str(clip) for clip in ordered["clip_id"].head(most)]


def _answers(evidence: Evidence) -> pd.DataFrame:
    """Return a row for each clip and arm, means over seeds: ``clip_id``, ``arm``, ``missed``, ``p_true``, ``called``
    (the class with the largest mean probability) and ``p_called``."""
    rows = checked_predictions(evidence.record)
    columns = probability_columns(rows)
    keyed = rows.assign(missed=predicted_classes(rows) != rows["y_true"].to_numpy())
    means = keyed.groupby(["clip_id", "arm", "y_true"], sort=False, observed=True)[["missed", *columns]].mean()
    means = means.reset_index()
    p = means[columns].to_numpy(np.float64)
    every = np.arange(len(means))
    called = p.argmax(axis=1)
    found = means[["clip_id", "arm", "missed"]]
    return found.assign(called=called, p_called=p[every, called], p_true=p[every, means["y_true"].to_numpy(np.int64)])


def _sound(evidence: Evidence, clip: str, answers: pd.DataFrame, files: Mapping[str, Path]) -> Sound:
    path = files.get(clip)
    if path is None:
        raise ReportError(f"clip {clip!r} is tested by the report but is not in the data set below --data-root")
    record = evidence.record
    tests = record.predictions[record.predictions["clip_id"] == clip]
    try:
        samples, rate, sound = read_sound(path)
    except (OSError, soundfile.LibsndfileError) as error:
        raise ReportError(f"{path}: cannot be read as sound: {error}; run harness data check") from None
    own = {str(row["arm"]): row for row in answers[answers["clip_id"] == clip].to_dict("records")}
    cells = [
        (arm, f"{record.classes[row['called']]} {100 * row['p_called']:.0f} %", f"{100 * row['p_true']:.0f} %")
        for arm in evidence.stems
        if arm in own
        for row in [own[arm]]
    ]
    missing = sum(row["missed"] > 0.5 for row in own.values())
    return Sound(
        clip=clip,
        name=record.classes[int(tests["y_true"].iloc[0])],
        recording=str(tests["recording"].iloc[0]),
        folds=", ".join(map(str, sorted({int(fold) for fold in tests["fold"]}))),
        missed=f"{missing} of {len(cells)} arms miss it",
        sound=sound,
        picture=data_address("image/png", style.png_bytes(spectrogram_figure(samples, rate), dpi=130)),
        seconds=f"{len(samples) / rate:.1f} s",
        answers=tuple(cells),
    )


def read_sound(path: Path) -> tuple[NDArray[np.float32], int, str]:
    """Return the samples of the file at ``path`` as mono, shape (n,), their rate in Hz, and its sound as a data
    address: the file's own bytes if browsers play them, else FLAC."""
    with open_audio(path) as file:
        rate, kind = file.samplerate, _PLAYABLE.get((file.format, file.subtype))
        if not RATES[0] <= rate <= RATES[1]:
            raise ReportError(
                f"{path}: sample rate {rate} Hz, expected {RATES[0]} to {RATES[1]}; run harness data check"
            )
        channels = file.read(int(LONGEST * rate), dtype="float32", always_2d=True)
    if not len(channels):
        raise ReportError(f"{path}: holds no samples; run harness data check")
    samples = np.nan_to_num(channels.mean(axis=1, dtype=np.float32))
    if kind is not None:
        return samples, rate, data_address(kind, path.read_bytes())
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(np.nan_to_num(channels), -1, 1), rate, format="FLAC", subtype="PCM_16")
    return samples, rate, data_address("audio/flac", buffer.getvalue())


def data_address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def spectrogram_figure(samples: NDArray[np.float32], rate: int) -> Figure:
    """Return the spectrogram of ``samples``, shape (n,): power in dB below its maximum, with axes in s and kHz.

    The window is Hann's, of 1,024 samples or the complete clip if that is shorter.
    """
    size = min(_WINDOW, len(samples))
    starts = np.unique(np.linspace(0, len(samples) - size, _MOST_COLUMNS).astype(np.int64))
    frames = samples[starts[:, None] + np.arange(size)] * np.hanning(size + 2)[1:-1]
    power = np.abs(np.fft.rfft(frames, axis=1)).T ** 2
    decibels = 10 * np.log10(np.maximum(power / max(float(power.max()), 1e-20), 10 ** (_FLOOR / 10)))
    figure = Figure(figsize=(_WIDTH, _HEIGHT))
    axes = style.place(figure, _LEFT, _BELOW, _WIDTH - _LEFT - _RIGHT, _HEIGHT - _BELOW - _ABOVE)
    extent = (0.0, len(samples) / rate, 0.0, rate / 2000)
    image = axes.imshow(decibels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=_FLOOR, vmax=0)
    axes.set_xlabel("Time in s", fontsize=7, labelpad=1)
    axes.set_ylabel("kHz", fontsize=7, labelpad=1)
    axes.tick_params(labelsize=6.5)
    bar = figure.colorbar(
        image, cax=style.place(figure, _WIDTH - _RIGHT + 0.08, _BELOW, 0.08, _HEIGHT - _BELOW - _ABOVE)
    )
    bar.ax.set_title("dB", fontsize=7, pad=3)
    bar.ax.tick_params(labelsize=6.5)
    return figure
