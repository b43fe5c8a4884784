"""Planes: each built-in one does what a plane must, and another is one file, in the package or outside it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from harness.data.clips import ClipTable
from harness.errors import FeatureError
from harness.features.cache.chunks import CLIPS_PER_PART
from harness.features.cache.feature_store import FeatureRef, FeatureStore
from harness.features.sets import n_frames, plane_rows, set_shape
from harness.registry import FEATURE_SETS, PLANES, FeatureSet, Layout, feature_set, register
from harness.study import FeaturesSection
from harness.testing.planes import PlaneConformance


class TestLm(PlaneConformance):
    plane = "LM"


class TestMfcc(PlaneConformance):
    plane = "MFCC"
    tolerance = 1e-3  # coefficients reach several hundred


class TestChroma(PlaneConformance):
    plane = "chroma"


class TestContrast(PlaneConformance):
    plane = "contrast"


class TestTonnetz(PlaneConformance):
    plane = "tonnetz"


class TestPcen(PlaneConformance):
    plane = "PCEN"


class TestMfccStatic(PlaneConformance):
    plane = "MFCC-static"
    tolerance = 1e-3


class TestGammatone(PlaneConformance):
    plane = "gammatone"


class TestCqt(PlaneConformance):
    plane = "CQT"


class TestShortcut(PlaneConformance):
    plane = "shortcut"


class TestLogMelStatistics(PlaneConformance):
    plane = "LM-statistics"


class TestSpectrogram(PlaneConformance):
    plane = "spectrogram"


class TestMel(PlaneConformance):
    plane = "mel"


class TestPracticalMfcc(PlaneConformance):
    plane = "mfcc"
    tolerance = 1e-3


def test_every_built_in_plane_is_tested() -> None:
    tested = {kind.plane for kind in PlaneConformance.__subclasses__()}
    assert tested >= {plane.name for plane in PLANES if plane.compute.startswith("harness.")}


LOUDNESS = '''
"""Loudness: the level of each frame in dB, above a floor, and how it changes; written as a guest would."""

import torch

from harness.registry import Plane, register
from harness.section import Section


class LoudnessOptions(Section):
    floor_db: float = -80.0
    """Lowest level."""


def rows(options):
    return 2


def loudest(samples, sample_rate, hop_length, options):
    return float(abs(samples).max())


def compute(waves, options):
    frames = torch.nn.functional.pad(waves.samples, (0, waves.hop_length)).unfold(1, waves.hop_length, waves.hop_length)
    level = (10 * frames.square().mean(dim=2).log10()).clamp_min(options.floor_db)
    peak = torch.tensor(waves.prepared["loudness"])[:, None].expand_as(level)
    return torch.stack([level, peak], dim=2)


register(
    Plane(
        name="loudness",
        compute="guest_loudness:compute",
        rows="guest_loudness:rows",
        options="guest_loudness:LoudnessOptions",
        prepare="guest_loudness:loudest",
        aliases=("level",),
    )
)
'''


@pytest.fixture
def loudness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Import a plane from a file outside the package, and forget it after."""
    (tmp_path / "guest_loudness.py").write_text(LOUDNESS)
    monkeypatch.syspath_prepend(str(tmp_path))
    PLANES.names()  # discovers the built-in ones, which would be lost with the copy
    monkeypatch.setattr(PLANES, "_items", dict(PLANES._items))
    FEATURE_SETS.names()  # discovers the built-in ones, which would be lost with the copy
    monkeypatch.setattr(FEATURE_SETS, "_items", dict(FEATURE_SETS._items))
    __import__("guest_loudness")
    yield
    del sys.modules["guest_loudness"]


@pytest.fixture
def clips(write_clips: Callable[..., ClipTable]) -> ClipTable:
    return write_clips(3)


@pytest.fixture
def build(tmp_path: Path, clips: ClipTable) -> Callable[..., FeatureRef]:
    """Return a function that builds one feature set."""
    store = FeatureStore(tmp_path / "cache")

    def built(name: str, params: FeaturesSection | None = None) -> FeatureRef:
        return store.build(clips, [feature_set(name)], params or FeaturesSection(), 1)[name]

    return built


@pytest.mark.usefixtures("loudness")
class TestLoudness(PlaneConformance):
    """A guest runs the tests that the built-in ones run."""

    plane = "loudness"


@pytest.mark.usefixtures("loudness")
def test_a_plane_is_one_file(build: Callable[..., FeatureRef], clips: ClipTable) -> None:
    register(FeatureSet("LM+loudness", ("LM", "loudness"), Layout.SEGMENTS))
    params = FeaturesSection()
    alone, stacked, image = build("loudness"), build("LM+loudness"), build("image:level")
    assert set_shape(feature_set("LM+loudness"), params) == (1, 62, 41)
    assert plane_rows(feature_set("LM+loudness"), params)["loudness"] == slice(60, 62)
    values = alone.load()
    np.testing.assert_array_equal(np.diff(alone.offsets), n_frames(clips.frame["duration"].to_numpy(), params))
    np.testing.assert_array_equal(stacked.load()[:, 60:], values)
    assert (values[:, 0] >= -80).all()
    # What is prepared on the host is the clip's own: its largest sample.
    largest = [np.abs(soundfile.read(path)[0]).max() for path in clips.frame["path"]]
    np.testing.assert_allclose(values[alone.offsets[:-1], 1], largest, rtol=1e-6)
    assert image.planes == ("loudness",)
    assert image.load().shape == (3, 1, 128, 128)


@pytest.mark.slow
@pytest.mark.usefixtures("loudness")
def test_other_processes_compute_it_too(tmp_path: Path, write_clips: Callable[..., ClipTable]) -> None:
    clips, features = write_clips(CLIPS_PER_PART + 1, folder="many"), feature_set("loudness")
    alone, together = (
        FeatureStore(tmp_path / f"cache-{workers}").build(clips, [features], FeaturesSection(), workers)["loudness"]
        for workers in (1, 2)
    )
    np.testing.assert_array_equal(alone.load(), together.load())


@pytest.mark.usefixtures("loudness")
def test_its_entries_are_found_again_and_follow_its_options_and_its_revision(
    build: Callable[..., FeatureRef],
) -> None:
    first = build("loudness")
    assert build("loudness").files == first.files
    louder = build("loudness", FeaturesSection(planes={"loudness": {"floor_db": -20.0}}))
    assert louder.load()[:, 0].min() == -20.0
    PLANES._items["loudness"] = replace(PLANES.get("loudness"), revision=2)
    assert len({first.files, louder.files, build("loudness").files}) == 3
    manifest = json.loads((Path(first.files[0]).parent / "manifest.json").read_text())
    assert (manifest["plane"], manifest["options"], manifest["revision"]) == ("loudness", {"floor_db": -80.0}, 1)


@pytest.mark.usefixtures("loudness")
def test_its_options_are_checked() -> None:
    with pytest.raises(ValueError, match=r"floor"):
        FeaturesSection(planes={"loudness": {"floor": -20.0}})
    with pytest.raises(ValueError, match=r"floor_db"):
        FeaturesSection(planes={"loudness": {"floor_db": "low"}})


@pytest.mark.usefixtures("loudness")
def test_a_plane_of_another_shape_than_it_states_is_refused(
    build: Callable[..., FeatureRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guest_loudness.rows", lambda _: 3)
    with pytest.raises(FeatureError, match=r"'loudness': guest_loudness:compute returned .*, 2\), expected .*, 3\)"):
        build("loudness")
    monkeypatch.setattr("guest_loudness.compute", lambda waves, _: torch.zeros(len(waves), 7, 3))
    with pytest.raises(FeatureError, match=r"'loudness': guest_loudness:compute returned the shape \(1, 7, 3\)"):
        build("loudness")


def test_listing_planes_loads_no_heavy_library() -> None:
    script = (
        "import sys; from harness.registry import PLANES, FEATURE_SETS, options_of;"
        "print([options_of(plane)() for plane in PLANES] and list(FEATURE_SETS) and"
        " [m for m in ('torch', 'torchaudio', 'librosa', 'pandas', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
