"""Lists of what studies can name, and JSON schemas that accept the shipped files and refuse faulty ones."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from harness.claims.library import BUILT_IN
from harness.cli import cli
from harness.cli.listing import KINDS
from harness.registry import DATASETS, NETWORKS, PLANES, SPLITS
from harness.study.shipped import shipped_studies


def listed(kind: str) -> str:
    result = CliRunner().invoke(cli, ["list", kind])
    assert result.exit_code == 0
    return result.output


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("studies", list(shipped_studies())),
        ("networks", [*NETWORKS.names(), "torchvision:NAME"]),
        ("features", [plane.name for plane in PLANES]),
        ("datasets", DATASETS.names()),
        ("splits", SPLITS.names()),
        ("claims", ["su2019", "piczak2015cnn"]),
    ],
)
def test_every_name_is_listed(kind: str, names: list[str]) -> None:
    shown = listed(kind)
    assert [name for name in names if name not in shown] == []


def test_every_kind_is_tested() -> None:
    assert set(KINDS) == {"studies", "networks", "features", "datasets", "splits", "claims"}


def schema(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CliRunner().invoke(cli, ["schema", kind]).output)
    jsonschema.Draft202012Validator.check_schema(found)
    return found


@pytest.mark.parametrize("name", shipped_studies())
def test_the_schema_accepts_every_shipped_study(name: str) -> None:
    jsonschema.validate(tomllib.loads(shipped_studies()[name].read_text(encoding="utf-8")), schema("study"))


@pytest.mark.parametrize(
    "faulty", [{"train": {"epohcs": 3}}, {"train": {"optimizer": 3}}, {"data": {"dataset": 3}}, {"study": {}}]
)
def test_the_schema_refuses_faulty_studies(faulty: dict[str, Any]) -> None:
    study = tomllib.loads(shipped_studies()["quickstart"].read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**study, **faulty}, schema("study"))


def test_the_schema_accepts_the_shipped_claims() -> None:
    known = schema("claims")
    for path in sorted(BUILT_IN.glob("*.toml")):
        jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), known)
