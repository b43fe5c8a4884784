"""Keys: what changes a plane's numbers changes its key, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.features.cache import keys
from harness.features.cache.keys import plane_identity, plane_key
from harness.features.sets import LaidOut
from harness.registry import PLANES, Layout, has_own_frames, options_of
from harness.study import FeaturesSection, ImageSection
from tests.features.conftest import IMAGES, SEGMENTS

LAID_OUT = SEGMENTS + IMAGES
PRACTICAL = {plane.name for plane in PLANES if has_own_frames(plane)}
# Settings of how planes are cut or scaled later; they change no plane.
LATER = {"segment_hop", "normalise"}
OPTIONS = [(plane.name, field) for plane in PLANES for field in options_of(plane).model_fields]


def _keys(params: FeaturesSection, digest: str = "a") -> dict[LaidOut, str]:
    return {plane: plane_key(digest, plane_identity(plane, params)) for plane in LAID_OUT}


def _changed(before: dict[LaidOut, str], after: dict[LaidOut, str]) -> set[LaidOut]:
    return {plane for plane in LAID_OUT if before[plane] != after[plane]}


def _other(value: Any) -> Any:
    if value is None:
        return 3.0
    if isinstance(value, tuple):
        return value[1:]
    return {"zeros": "repeat", "per-bin": "none"}[value] if isinstance(value, str) else value * 2 + 1


def test_all_keys_differ() -> None:
    assert len(set(_keys(FeaturesSection()).values())) == len(LAID_OUT)


def test_other_clips_change_every_key() -> None:
    assert _changed(_keys(FeaturesSection(), "a"), _keys(FeaturesSection(), "b")) == set(LAID_OUT)


@pytest.mark.parametrize("field", sorted(FeaturesSection.model_fields.keys() - {"image", "planes", "sets"}))
def test_every_shared_setting_changes_a_key_unless_it_applies_later(field: str) -> None:
    value = getattr(FeaturesSection(), field)
    changed = _changed(_keys(FeaturesSection()), _keys(FeaturesSection(**{field: _other(value)})))
    assert bool(changed) == (field not in LATER)
    assert not {plane.name for plane in changed} & PRACTICAL
    if field in ("padding", "clip_seconds", "segment_frames"):
        assert changed == set(SEGMENTS)


@pytest.mark.parametrize("field", sorted(ImageSection.model_fields))
def test_every_image_setting_changes_all_images_only(field: str) -> None:
    image = ImageSection(**{field: _other(getattr(ImageSection(), field))})
    assert _changed(_keys(FeaturesSection()), _keys(FeaturesSection(image=image))) == set(IMAGES)


@pytest.mark.parametrize(("name", "field"), OPTIONS)
def test_an_option_changes_its_plane_alone_and_in_both_layouts(name: str, field: str) -> None:
    default = getattr(options_of(PLANES.get(name))(), field)
    changed = _changed(_keys(FeaturesSection()), _keys(FeaturesSection(planes={name: {field: _other(default)}})))
    assert changed == {plane for plane in LAID_OUT if plane.name == name}


def test_options_that_are_stated_as_the_defaults_change_nothing() -> None:
    stated = FeaturesSection(planes={plane.name: options_of(plane)().model_dump() for plane in PLANES})
    assert _keys(stated) == _keys(FeaturesSection())


def test_versions_and_revisions_are_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _keys(FeaturesSection())
    monkeypatch.setitem(PLANES._items, "chroma", replace(PLANES.get("chroma"), revision=99))
    assert {plane.name for plane in _changed(before, _keys(FeaturesSection()))} == {"chroma"}
    monkeypatch.undo()
    monkeypatch.setitem(keys._REVISIONS, "audio", 99)
    assert _changed(before, _keys(FeaturesSection())) == set(LAID_OUT)
    monkeypatch.undo()
    versions = dict.fromkeys(("soundfile", "soxr", "torch", "numpy"), "1.0.0")
    monkeypatch.setattr(keys, "version", versions.__getitem__)
    before = _keys(FeaturesSection())
    versions["torch"] = "1.0.1+cpu"
    assert _changed(before, _keys(FeaturesSection())) == set()
    versions["numpy"] = "1.1.0"
    assert {plane.name for plane in _changed(before, _keys(FeaturesSection()))} == {"tonnetz", "CQT"}
    versions["torch"] = "1.1.0"
    assert _changed(before, _keys(FeaturesSection())) == set(LAID_OUT)


def test_a_gpu_has_keys_of_its_own() -> None:
    params = FeaturesSection()
    on_cpu, on_gpu, on_second = ([plane_identity(p, params, d) for p in LAID_OUT] for d in ("cpu", "cuda", "cuda:1"))
    assert on_gpu == on_second
    assert on_cpu == [plane_identity(plane, params) for plane in LAID_OUT]
    assert [here | {"device": "cuda"} for here in on_cpu] == on_gpu


def test_layouts_have_keys_of_their_own() -> None:
    own = _keys(FeaturesSection())
    assert own[LaidOut(Layout.IMAGE, "LM")] != own[LaidOut(Layout.SEGMENTS, "LM")]
