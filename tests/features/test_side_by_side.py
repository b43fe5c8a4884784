"""Clips and class means side by side: what is drawn is what networks get."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.data.inventory import ClipEntry
from harness.errors import FeatureError
from harness.features.compute import compute_planes
from harness.features.side_by_side import columns_of, feature_sets_of, rows_of
from harness.report.feature_picture import feature_png
from harness.report.page.feature_page import feature_page
from harness.study import FeaturesSection

PARAMS = FeaturesSection.model_validate({"sets": {"narrow": {"plane": "log-mel", "n_mels": 16}}})


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[ClipEntry]:
    """Return two clips of class 0, the second one shorter, and one of class 1."""
    folder = tmp_path_factory.mktemp("clips")
    entries = []
    for number, (seconds, pitch, label) in enumerate([(2.0, 440, 0), (1.5, 880, 0), (2.0, 220, 1)]):
        path = folder / f"clip{number}.wav"
        times = np.arange(round(seconds * 22050)) / 22050
        soundfile.write(path, 0.5 * np.sin(2 * np.pi * pitch * times), 22050)
        entries.append(ClipEntry(f"clip{number}", path, label, 1, f"clip{number}", "test"))
    return entries


def test_a_clip_and_a_class_mean_have_the_planes_that_networks_get(clips: list[ClipEntry]) -> None:
    sets = feature_sets_of(["LMC", "narrow", "mel"], PARAMS)
    rows = rows_of(sets, PARAMS)
    planes = [row.plane for row in rows]
    assert [(plane.layout, plane.name) for plane in planes] == [
        ("segments", "LM"), ("segments", "chroma"), ("segments", "contrast"), ("segments", "tonnetz"),
        ("segments", "narrow"), ("image", "mel"),
    ]  # fmt: skip
    assert "in LMC" in rows[0].title
    clip, file, mean = columns_of(
        ["clip0", str(clips[1].path), "Low Tone"], planes, PARAMS, clips, ("low_tone", "other")
    )
    computed = [compute_planes(each.path, planes, PARAMS) for each in clips[:2]]
    for plane in planes:
        one, two = (each[plane].T if plane.layout == "segments" else each[plane] for each in computed)
        np.testing.assert_array_equal(clip.planes[plane], one)
        np.testing.assert_array_equal(file.planes[plane], two)
        shortest = min(one.shape[1], two.shape[1])
        np.testing.assert_allclose(mean.planes[plane], (one[:, :shortest] + two[:, :shortest]) / 2, rtol=1e-6)
    assert mean.title == "low_tone, mean of 2 clips"
    # A sine's root mean square is its peak divided by the root of 2.
    np.testing.assert_allclose(mean.wave, 0.5 / np.sqrt(2), rtol=0.02)
    assert (len(clip.wave), float(clip.times[-1])) == (44100, 44099 / 22050)


def test_a_picture_and_a_page_of_hostile_names(clips: list[ClipEntry], tmp_path: Path) -> None:
    hostile = tmp_path / "<script>alert(1)<.wav"
    hostile.write_bytes(clips[0].path.read_bytes())
    rows = rows_of(feature_sets_of(["narrow"], PARAMS), PARAMS)
    columns = columns_of([str(hostile), "other"], [row.plane for row in rows], PARAMS, clips, ("low_tone", "other"))
    assert feature_png(columns, rows)[:4] == b"\x89PNG"
    page = feature_page(columns, rows).decode()
    assert "<script" not in page
    assert page.count("<audio ") == 1
    assert page == feature_page(columns, rows).decode()


def test_what_cannot_be_shown_is_refused_by_name(clips: list[ClipEntry]) -> None:
    with pytest.raises(FeatureError, match="'nothing': no such file; for a clip or class, give --dataset"):
        columns_of(["nothing"], [], PARAMS)
    with pytest.raises(FeatureError, match="its classes: low_tone, other"):
        columns_of(["nothing"], [], PARAMS, clips, ("low_tone", "other"))
    with pytest.raises(FeatureError, match="'pcem': unknown feature set; allowed"):
        feature_sets_of(["pcem"], PARAMS)
    with pytest.raises(FeatureError, match="no clip of it has a file"):
        columns_of(["third"], [], PARAMS, clips, ("low_tone", "other", "third"))
