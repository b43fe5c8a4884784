"""The page studies/claims.md: its example is what `harness new claims` writes; it names all values of conditions."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner

from harness.choices import Choice
from harness.claims.paper import AccuracyTable
from harness.cli import cli
from harness.scaffolds import write_scaffold

PAGE = (Path(__file__).parents[2] / "studies" / "claims.md").read_text(encoding="utf-8")


def test_its_example_is_the_one_that_is_written_and_is_valid(tmp_path: Path) -> None:
    (example,) = re.findall(r"^    #:schema .*\n(?:    .*\n|\n(?=    ))+", PAGE, re.MULTILINE)
    written = write_scaffold("claims", "doe2020", tmp_path).files[0]
    assert textwrap.dedent(example) == written.read_text(encoding="utf-8")
    shown = CliRunner().invoke(cli, ["claims", "check", str(written)])
    assert shown.exit_code == 0
    assert "no contradictions among its own numbers" in shown.output


def values_of(annotation: Any) -> list[str]:
    """Return the words that an annotation allows: those of choices and literals, alone or in a union."""
    if isinstance(annotation, type):
        return list(annotation) if issubclass(annotation, Choice) else []
    return [word for one in get_args(annotation) for word in ([one] if isinstance(one, str) else values_of(one))]


@pytest.mark.parametrize("key", ["estimand", "epoch_rule", "tuning", "split"])
def test_it_names_every_value_of_a_condition(key: str) -> None:
    (row,) = re.findall(rf"^\| `{key}` \| (.*?) \|", PAGE, re.MULTILINE)
    # Splits have a list of their own, which packages and users extend.
    values = values_of(AccuracyTable.model_fields[key].annotation) or ["harness list splits", "one split", "not stated"]
    assert [value for value in values if f"`{value}`" not in row] == []
