"""Every value of a study has an upper bound: none is large enough to take the machine down."""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import pytest
from pydantic import BaseModel

from harness.errors import StudyError
from harness.registry import DATASETS, NETWORKS, PLANES, options_of
from harness.study import StudySpec, load_study
from harness.study.bounds import bound_of, require_bounded, spectrum_bytes
from harness.study.study_file import parse_study

ROOT = Path(__file__).parents[2]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for inner in get_args(annotation):
        yield from _models(inner)


def _open_ended(annotation: Any) -> bool:
    """Whether values of the type can be of any size."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _open_ended(get_args(annotation)[0])
    if origin is Literal or annotation in (bool, type(None)):
        return False
    if origin in (Union, types.UnionType):
        return any(_open_ended(each) for each in get_args(annotation))
    return annotation in (int, float, str) or origin in (tuple, dict)


# The options of what the registry describes are tables of a study as well.
MODELS = [*_models(StudySpec), *(options_of(each) for kind in (NETWORKS, PLANES, DATASETS) for each in kind)]
FIELDS = sorted(
    {(f"{model.__module__}.{model.__name__}", name): model for model in MODELS for name in model.model_fields}.items(),
    key=lambda each: each[0],
)


@pytest.mark.parametrize(("place", "model"), FIELDS, ids=lambda each: ".".join(each) if isinstance(each, tuple) else "")
def test_every_field_that_can_be_of_any_size_has_an_upper_bound(place: tuple[str, str], model: type[BaseModel]) -> None:
    info = model.model_fields[place[1]]
    own = any(
        isinstance(each, annotated_types.Lt | annotated_types.Le | annotated_types.MaxLen) for each in info.metadata
    )
    if _open_ended(info.annotation):
        bound = bound_of(model, place[1])
        assert own or bound is not None
        assert bound is None or bound.why


STUDY = """
[study]
name = "a"
[data]
dataset = "esc10"
[[arms]]
name = "A"
model = "su8"
features = "LM"
"""
BEYOND = {
    "train.threads=1_000_000_000": (
        "train.threads: must be at most 1024 (more than the cores of a machine), received 1000000000"
    ),
    "train.epochs=1_000_000_000": "train.epochs: must be at most 100000",
    "train.batch_size=10_000_000": "train.batch_size: must be at most 65536",
    "train.lr=1e30": "train.lr: must be at most 1000",
    "features.clip_seconds=1e12": "features.clip_seconds: must be at most 60",
    "features.planes.LM.n_fft=1073741824": "features.planes.LM.n_fft: must be at most 65536",
    "features.sample_rate=1_000_000_000": "features.sample_rate: must be at most 768000",
    "features.image.rows=100_000": "features.image.rows: must be at most 4096",
    "features.hop_length=1": "",
    "evaluate.seeds=1_000_000": "evaluate.seeds: must be at most 1000",
    "study.seed=99999999999999999999999": "study.seed: must be at most 9223372036854775807",
    f"study.question={'x' * 3000}": "study.question: must have at most 2000 characters (a sentence is expected), rec",
    f"train.threads=1{'0' * 4000}": "received a very large number",
    'arms.A.set={"train.threads" = 1_000_000}': "arm 'A': train.threads: must be at most 1024",
    'search={trials=1,space={"train.epochs"={low=1,high=1e9}}}': "search.space.train.epochs: must be at most 100000",
    'search={trials=1,space={"train.lr"={choices=[1e9]}}}': "search.space.train.lr: must be at most 1000",
    'search={trials=1_000_000,space={"train.lr"={choices=[0.1]}}}': "search.trials: must be at most 100000",
}


@pytest.mark.parametrize("override", [key for key, said in BEYOND.items() if said], ids=lambda text: text[:40])
def test_a_value_beyond_its_bound_is_refused_with_its_reason(tmp_path: Path, override: str) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STUDY, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_study(path, [override])
    assert BEYOND[override] in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < 500


def test_what_each_allows_may_be_too_much_together(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STUDY, encoding="utf-8")
    with pytest.raises(
        StudyError,
        match=r"features\.planes\.LM: n_fft = 65536 and hop_length = 1 for 60 s .* GiB per clip, at most 4 GiB",
    ):
        load_study(path, ["features.planes.LM.n_fft=65536", "features.hop_length=1", "features.clip_seconds=60.0"])
    assert spectrum_bytes(5.0, 22050, 1024, 512) == 216 * 513 * 16


def test_a_recorded_study_beyond_a_bound_of_today_is_read() -> None:
    document = {
        "study": {"name": "a"},
        "data": {"dataset": "esc10"},
        "train": {"threads": 5000},
        "arms": [{"name": "A", "model": "su8", "features": "LM", "set": {"train.epochs": 10**6}}],
    }
    spec = parse_study(document, "record")
    assert spec.settings(spec.arms[0]).train.epochs == 10**6
    with pytest.raises(StudyError, match=r"record: train\.threads"):
        require_bounded(spec, "record")


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_studies_are_within_their_bounds(path: Path) -> None:
    load_study(path)
