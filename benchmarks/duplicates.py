"""How many planted copies `harness data duplicates` finds, how often it is wrong, and what it costs.

- Copies: three clips of each class of ESC-50 in ten other forms, searched among all of ESC-50.
- Wrongly found: every clip also reversed in time, which has the same spectrum and level but no waveform in common with
  other clips; and pairs of clips of different classes and recordings.
- Overlaps: consecutive slices of UrbanSound8K, which are cut 2 s apart and last 4 s.
- Cost: made clips of 4 s at 44.1 kHz, in a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.processes import measure
from benchmarks.record import write
from harness.data.data_root import resolve_data_root
from harness.data.inventory import ClipEntry
from harness.data.load_clips import read_inventory
from harness.duplicates.find import Duplicates, find_duplicates
from harness.errors import DataError
from harness.features.audio import read_mono, resample

SIZES = (2_000, 4_000, 8_732, 17_464)
PER_CLASS = 3
_ROOT = Path(__file__).parents[1]
Samples = NDArray[np.float32]


def duplicates(per_class: int = PER_CLASS, sizes: Sequence[int] = SIZES, clips: int | None = None) -> None:
    """Measure copies, errors, overlaps and cost.

    Parameters
    ----------
    per_class : int
        Clips of each class that are copied.
    sizes : sequence of int
        Numbers of made clips.
    clips : int, optional
        Real clips of each data set that are used; all by default.
    """
    full = os.environ.get("HARNESS_ESC50", "").strip()
    if not full:
        raise DataError("HARNESS_ESC50: not set; name the data root that has all of ESC-50")
    roots = {"esc50": Path(full), "urbansound8k": resolve_data_root(None)}
    listed = {name: read_inventory(name, root).present()[:clips] for name, root in roots.items()}
    write(
        "duplicates",
        {
            "copies": _copies(listed["esc50"], per_class),
            "controls": {name: _controls(entries) for name, entries in listed.items()},
            "consecutive_slices": _slices(listed["urbansound8k"]),
            "cost": [_cost(n) for n in sizes],
        },
    )


def _wav(path: Path, samples: Samples, rate: int) -> Path:
    soundfile.write(path.with_suffix(".wav"), np.clip(samples, -1, 1), rate, subtype="PCM_16")
    return path.with_suffix(".wav")


def _mp3(path: Path, samples: Samples, rate: int) -> Path:
    target = path.with_suffix(".mp3")
    soundfile.write(target, samples, rate, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.8)
    return target


def _ogg(path: Path, samples: Samples, rate: int) -> Path:
    target = path.with_suffix(".ogg")
    soundfile.write(target, samples, rate, format="OGG", subtype="VORBIS", compression_level=1.0)
    return target


def _later(samples: Samples, rate: int) -> Samples:
    return np.concatenate([np.zeros(rate // 2, np.float32), samples])


def _noisy(samples: Samples) -> Samples:
    noise = np.random.default_rng(0).normal(size=len(samples)).astype(np.float32)
    return samples + 0.1 * samples.std() * noise


Make = Callable[[Path, Samples, int], Path]
FORMS: dict[str, tuple[float, float, Make]] = {
    "MP3, about 50 kbit/s": (0.0, 9.0, _mp3),
    "Vorbis, lowest quality": (0.0, 9.0, _ogg),
    "20 dB quieter, 16 bit": (0.0, 9.0, lambda path, x, rate: _wav(path, 0.1 * x, rate)),
    "12 dB louder, clipped": (0.0, 9.0, lambda path, x, rate: _wav(path, 4 * x, rate)),
    "inverted, Vorbis": (0.0, 9.0, lambda path, x, rate: _ogg(path, -x, rate)),
    "0.5 s of silence before, end cut, MP3": (0.0, 4.5, lambda path, x, rate: _mp3(path, _later(x, rate), rate)),
    "first 0.71 s cut, Vorbis": (0.7137, 9.0, _ogg),
    "middle 2 s, 10 dB quieter, MP3": (1.5, 3.5, lambda path, x, rate: _mp3(path, 0.3 * x, rate)),
    "8 kHz": (0.0, 9.0, lambda path, x, rate: _wav(path, resample(x, rate, 8_000), 8_000)),
    "white noise 20 dB below": (0.0, 9.0, lambda path, x, rate: _wav(path, _noisy(x), rate)),
}
"""Seconds of the original from which and up to which a copy has its audio, and how it is written."""
LEAST_ENERGY = 0.1
"""Share of the energy of the original that a copy must have to count: without the bark, a clip of a bark is silence."""


def _copies(entries: Sequence[ClipEntry], per_class: int) -> dict[str, Any]:
    """Return how many copies of each form are found, and what else is."""
    taken: Counter[int] = Counter()
    originals = []
    for position, entry in enumerate(entries):
        # Clips in the order of the file come from few recordings, so one of ten is taken.
        if position % 10 == entry.label % 10 and taken[entry.label] < per_class:
            taken[entry.label] += 1
            originals.append(position)
    paths, planted = [entry.path for entry in entries], []
    with tempfile.TemporaryDirectory() as folder:
        for position in originals:
            samples, rate = read_mono(entries[position].path)
            for number, (form, (first, last, make)) in enumerate(FORMS.items()):
                part = samples[int(first * rate) : int(last * rate)]
                if np.square(part).sum() >= LEAST_ENERGY * np.square(samples).sum():
                    paths.append(make(Path(folder) / f"{position}-{number}", part, rate))
                    planted.append((position, form))
        found = find_duplicates(paths, _cores())
    alone = {(pair.first, pair.second) for pair in found.pairs if pair.second < len(entries)}
    likeness: dict[str, Counter[str]] = {form: Counter() for form in FORMS}
    wrong = 0
    for pair in found.pairs:
        if pair.first < len(entries) <= pair.second:
            position, form = planted[pair.second - len(entries)]
            if position == pair.first:
                likeness[form][pair.likeness.value] += 1
            else:
                wrong += (min(position, pair.first), max(position, pair.first)) not in alone
    return {
        "originals": len(originals),
        "among": len(paths),
        "planted": dict(Counter(form for _, form in planted)),
        "found": {form: sum(counts.values()) for form, counts in likeness.items()},
        "likeness": {form: dict(counts) for form, counts in likeness.items()},
        "copies_found_in_clips_that_are_unlike_the_original": wrong,
    }


def _controls(entries: Sequence[ClipEntry]) -> dict[str, Any]:
    """Return how many pairs are found among clips that have no audio in common, of how many that could be."""
    n = len(entries)
    with tempfile.TemporaryDirectory() as folder:
        reversed_paths = []
        for position, entry in enumerate(entries):
            samples, rate = read_mono(entry.path)
            reversed_paths.append(_wav(Path(folder) / str(position), samples[::-1], rate))
        found = find_duplicates([*(entry.path for entry in entries), *reversed_paths], _cores())
    against = [pair for pair in found.pairs if pair.first < n <= pair.second and pair.second - n != pair.first]
    forwards = [pair for pair in found.pairs if pair.second < n]
    unlike = [pair for pair in forwards if _unlike(entries[pair.first], entries[pair.second])]
    labels, recordings = np.array([e.label for e in entries]), np.array([e.recording for e in entries])
    of_other = sum(int(((labels[:k] != labels[k]) & (recordings[:k] != recordings[k])).sum()) for k in range(n))
    return {
        "pairs_with_another_clip_reversed": n * (n - 1),
        "reported_with_another_clip_reversed": len(against),
        "pairs_of_different_classes_and_recordings": of_other,
        "reported_of_different_classes_and_recordings": len(unlike),
        "pairs": len(forwards),
        "merely_alike_with_reversed": found.n_alike,
    }


def _unlike(one: ClipEntry, other: ClipEntry) -> bool:
    return one.label != other.label and one.recording != other.recording


def _slices(entries: Sequence[ClipEntry]) -> dict[str, Any]:
    """Return how many consecutive slices are found, and how many of them 2.00 s apart."""
    place = {entry.clip_id: position for position, entry in enumerate(entries)}
    consecutive = []
    for entry in entries:
        occurrence, _, number = entry.clip_id.rpartition("-")
        following = place.get(f"{occurrence}-{int(number) + 1}")
        if following is not None and (entry.promised or 0.0) > 3.99:
            consecutive.append(tuple(sorted((place[entry.clip_id], following))))
    found = _pairs(find_duplicates([entry.path for entry in entries], _cores()))
    lags = [found[pair] for pair in consecutive if pair in found]
    return {
        "pairs": len(consecutive),
        "found": len(lags),
        "found_2_seconds_apart": sum(abs(abs(lag) - 2.0) < 0.01 for lag in lags),
    }


def _pairs(found: Duplicates) -> dict[tuple[int, ...], float]:
    return {(pair.first, pair.second): pair.agreement.lag for pair in found.pairs}


def _cost(n: int) -> dict[str, float]:
    """Return seconds and peak memory for ``n`` made clips of 4 s, of which one in a hundred is a copy."""
    with tempfile.TemporaryDirectory() as folder:
        make_clips(Path(folder) / "clips", n)
        script = f"from benchmarks.duplicates import search; search({folder!r})"
        command = ["env", f"PYTHONPATH={_ROOT}", sys.executable, "-c", script]
        watched = measure(command, Path(folder), every=0.05)
        inside = json.loads((Path(folder) / "search.json").read_text(encoding="utf-8"))
    return {"clips": n, "seconds": watched.seconds, "peak_megabytes": watched.peak_bytes / 1e6, **inside}


def make_clips(folder: Path, n: int) -> None:
    """Write ``n`` noises whose spectrum and level vary, 4 s at 44.1 kHz; every hundredth is a copy of the last one."""
    from scipy.signal import lfilter

    folder.mkdir()
    rate, samples = 44_100, np.zeros(0, np.float32)
    for number in range(n):
        draws = np.random.default_rng(number)
        if number % 100 != 99:
            poles = draws.uniform(0.5, 0.99) * np.exp(1j * draws.uniform(0.05, 2.0))
            noise = lfilter([1.0], np.poly([poles, np.conj(poles)]).real, draws.normal(size=4 * rate))
            level = np.interp(np.arange(4 * rate), np.linspace(0, 4 * rate, 30), draws.uniform(0.02, 1.0, 30))
            samples = (0.5 * noise * level / np.abs(noise).max()).astype(np.float32)
        _wav(folder / f"{number:05d}", samples * (0.5 if number % 100 == 99 else 1.0), rate)


def search(folder: str) -> None:
    """Search the audio files in ``folder``/clips and write what it took; run in a process of its own."""
    found = find_duplicates(sorted((Path(folder) / "clips").iterdir()), _cores())
    spent = {"processor_seconds": time.process_time(), "pairs": len(found.pairs)}
    (Path(folder) / "search.json").write_text(json.dumps(spent), encoding="utf-8")


def _cores() -> int:
    return min(2, len(os.sched_getaffinity(0)))
