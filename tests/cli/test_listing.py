"""Lists of what studies can name, and JSON schemas that accept the shipped files and refuse faulty ones."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from harness import scaffolds
from harness.claims.library import BUILT_IN
from harness.cli import cli
from harness.cli.listing import KINDS, new_command, schema_command
from harness.registry import DATASETS, NETWORKS, PLANES, SPLITS
from harness.scaffolds.schemas import SCHEMAS
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


def named_schemas() -> list[tuple[Path, str]]:
    """Return every file that ships and its kind."""
    studies = list(shipped_studies().values())
    claims = [*BUILT_IN.glob("*.toml"), *(studies[0].parent / "claims").glob("*.toml")]
    return [*((path, "study") for path in studies), *((path, "claims") for path in claims)]


def test_every_shipped_file_names_the_present_schema() -> None:
    # In a new process: tests register data sets of their own.
    script = (
        "import json; from harness.scaffolds.schemas import *; print(json.dumps({k: schema_json(k) for k in SCHEMAS}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    current = json.loads(done.stdout)
    for path, kind in named_schemas():
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        assert first.startswith("#:schema ../" if path.parent == BUILT_IN else "#:schema ./"), path
        schema = path.parent / first.removeprefix("#:schema ")
        assert schema.read_text(encoding="utf-8") == current[kind], (
            f"{path} names {schema}, which is not current: harness schema {kind} --output FILE"
        )


def test_a_schema_is_written_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "claims.schema.json"
    assert CliRunner().invoke(cli, ["schema", "claims", "--output", str(file)]).exit_code == 0
    assert json.loads(file.read_text(encoding="utf-8")) == schema("claims")


def test_the_kinds_of_new_and_schema_are_those_of_the_scaffolds() -> None:
    (new, *_), (known, *_) = new_command.params, schema_command.params
    assert tuple(new.type.choices) == scaffolds.KINDS  # type: ignore[attr-defined]
    assert tuple(known.type.choices) == SCHEMAS  # type: ignore[attr-defined]
