"""Nobody reads a study as a dictionary: it is a StudySpec wherever it comes from, and dotted names have one parser."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.study import StudySpec
from harness.study.dotted import SECTIONS

HARNESS = Path(__file__).parents[1] / "harness"
SOURCES = sorted(HARNESS.rglob("*.py"))
DOCUMENTS = {
    "study/migrate.py": "what earlier versions recorded, before it is a study",
    "study/study_file.py": "the TOML of a file, before it is a study",
    "study/split_files.py": "the TOML of a file, before it is a study",
    "tracking/digests.py": "the JSON of a record, of which a digest is made as it is",
    "cli/output/show_systems.py": "the JSON that compare prints, which has contrasts, too",
}
"""Files that read the data of a file or a record, and why."""
STUDIES = {"spec", "study", "resolved", "arm", "arms", "said", "train", "protocol", "evaluate", "before", "after"}
STUDIES |= {"document", "kept"}
"""Names that hold a study, or a part of one."""
KEYS = {*StudySpec.model_fields, *(field for model in SECTIONS.values() for field in model.model_fields), "fuse", "as"}
PARSERS = {"partition", "rpartition", "split", "rsplit"}


def readings(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield ``spec["arms"]`` and ``spec.get("arms")`` of names that hold a study."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            owner, key = node.value, node.slice
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and node.args
        ):
            owner, key = node.func.value, node.args[0]
        else:
            continue
        if not isinstance(key, ast.Constant) or key.value not in KEYS:
            continue
        name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
        if name in STUDIES:
            yield node


def test_the_search_finds_what_it_is_for() -> None:
    told = ["record.spec.get('arms', ())", "spec['evaluate']", "arm.get('fuse')", "before['train']['lr']"]
    assert all(list(readings(ast.parse(text))) for text in told)
    assert not list(readings(ast.parse("tags['arm']; spec.arms; digests['data']; row.get('fold')")))


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.relative_to(HARNESS).as_posix() not in DOCUMENTS],
    ids=lambda path: path.relative_to(HARNESS).as_posix(),
)
def test_no_study_is_read_as_a_dictionary(path: Path) -> None:
    found = [f"line {node.lineno}: {ast.unparse(node)}" for node in readings(ast.parse(path.read_text("utf-8")))]
    assert found == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_exception_is_one(name: str) -> None:
    assert list(readings(ast.parse((HARNESS / name).read_text("utf-8"))))


def test_dotted_names_are_parsed_in_one_place() -> None:
    found = {
        path.relative_to(HARNESS).as_posix()
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in PARSERS
        and ast.unparse(node).endswith(("('.')", "('.', 1)"))
    }
    assert "study/dotted.py" in found
    # The others take apart paths of attributes, printed numbers, and names of modules and packages.
    others = {
        "comparisons/statistical_tests.py",
        "claims/printed.py",
        "system/environment_variables.py",
        "features/cache/keys.py",
        "own_code.py",
        "models/libraries.py",
    }
    assert found - {"study/dotted.py"} <= others
