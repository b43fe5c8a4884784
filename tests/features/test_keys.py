"""Keys: what changes a plane's numbers changes its key, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from harness.features import keys
from harness.features.keys import plane_identity, plane_key
from harness.features.sets import Plane
from harness.study import FeaturesSection, ImageSection
from harness.vocabulary import IMAGE_PLANES, SEGMENT_PLANES

PLANES = [Plane("segments", name) for name in SEGMENT_PLANES] + [Plane("image", name) for name in IMAGE_PLANES]
# Settings of how planes are cut or scaled later; they change no plane.
LATER = {"segment_hop", "normalise", "image"}


def _keys(params: FeaturesSection, digest: str = "a") -> dict[Plane, str]:
    return {plane: plane_key(digest, plane_identity(plane, params)) for plane in PLANES}


def _changed(before: dict[Plane, str], after: dict[Plane, str]) -> set[Plane]:
    return {plane for plane in PLANES if before[plane] != after[plane]}


def _other(value: Any) -> Any:
    if value is None:
        return 3.0
    return {"zeros": "repeat", "per-bin": "none"}[value] if isinstance(value, str) else value * 2 + 1


def test_all_keys_differ() -> None:
    assert len(set(_keys(FeaturesSection()).values())) == len(PLANES)


def test_other_clips_change_every_key() -> None:
    assert _changed(_keys(FeaturesSection(), "a"), _keys(FeaturesSection(), "b")) == set(PLANES)


@pytest.mark.parametrize("field", sorted(FeaturesSection.model_fields))
def test_every_setting_changes_a_key_unless_it_applies_later(field: str) -> None:
    value = getattr(FeaturesSection(), field)
    if field == "image":
        return
    changed = _changed(_keys(FeaturesSection()), _keys(FeaturesSection(**{field: _other(value)})))
    assert bool(changed) == (field not in LATER)
    assert not changed & {Plane("image", name) for name in ("spectrogram", "mel", "mfcc")}


@pytest.mark.parametrize("field", sorted(ImageSection.model_fields))
def test_every_image_setting_changes_images_only(field: str) -> None:
    image = ImageSection(**{field: _other(getattr(ImageSection(), field))})
    changed = _changed(_keys(FeaturesSection()), _keys(FeaturesSection(image=image)))
    assert changed
    assert all(plane.layout == "image" for plane in changed)


@pytest.mark.parametrize(
    ("field", "planes"),
    [
        ("n_mels", {"LM"}),
        ("n_mfcc", {"MFCC"}),
        ("n_chroma", {"chroma"}),
        ("contrast_fmin", {"contrast"}),
        ("n_fft", {"LM", "MFCC", "chroma", "contrast"}),
        ("padding", set(SEGMENT_PLANES)),
        ("clip_seconds", set(SEGMENT_PLANES)),
    ],
)
def test_a_setting_leaves_other_planes_alone(field: str, planes: set[str]) -> None:
    changed = _changed(
        _keys(FeaturesSection()), _keys(FeaturesSection(**{field: _other(getattr(FeaturesSection(), field))}))
    )
    assert {plane.name for plane in changed if plane.layout == "segments"} == planes


def test_versions_and_revisions_are_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _keys(FeaturesSection())
    monkeypatch.setitem(keys._REVISIONS, "chroma", 99)
    assert _changed(before, _keys(FeaturesSection())) == {Plane("segments", "chroma"), Plane("image", "chroma")}
    monkeypatch.undo()
    versions = dict.fromkeys(("soundfile", "soxr", "torch", "librosa", "numpy"), "1.0.0")
    monkeypatch.setattr(keys, "version", versions.__getitem__)
    before = _keys(FeaturesSection())
    versions["torch"] = "1.0.1+cpu"
    assert _changed(before, _keys(FeaturesSection())) == set()
    versions["librosa"] = "1.0.1"
    assert {
        plane.paper_name is None for plane in PLANES if plane not in _changed(before, _keys(FeaturesSection()))
    } == {True}
    versions["torch"] = "1.1.0"
    assert _changed(before, _keys(FeaturesSection())) == set(PLANES)


def test_a_gpu_has_keys_of_its_own_for_what_it_computes() -> None:
    params = FeaturesSection()
    on_cpu, on_gpu, on_second = ([plane_identity(p, params, d) for p in PLANES] for d in ("cpu", "cuda", "cuda:1"))
    assert on_gpu == on_second
    assert on_cpu == [plane_identity(plane, params) for plane in PLANES]
    moved = {plane for plane, here, there in zip(PLANES, on_cpu, on_gpu, strict=True) if here != there}
    assert moved == {plane for plane in PLANES if plane.paper_name is not None}
