"""What one module does for all others: nothing else imports, calls or names what it takes."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness

ROOT = Path(harness.__file__).parent

ONLY_IN = {
    "safetensors": {"training/weights.py"},
    "filelock": {"system/locks.py"},
    "fcntl": set(),
    "msvcrt": set(),
    "OutOfMemoryError": {"devices.py"},
    "torch.device": {"devices.py"},
    "read_csv": set(),
    "read_parquet": {"tracking/files.py", "text/parquet.py"},
    "ParquetFile": {"tracking/files.py", "report/folder/parquet_table.py"},
    "csv.reader": {"text/delimited.py", "tracking/files.py", "testing/datasets.py"},
    "cpuinfo": {"devices.py"},
}


def uses(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, attribute that is read, function that is called and text, outside annotations."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.Call):
            yield ast.unparse(node.func)
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.rpartition("/")[2]


USES = {path.relative_to(ROOT).as_posix(): set(uses(ast.parse(path.read_text()))) for path in ROOT.rglob("*.py")}


@pytest.mark.parametrize("what", ONLY_IN)
def test_one_place(what: str) -> None:
    assert {path for path, used in USES.items() if what in used} <= ONLY_IN[what]
    assert ONLY_IN[what] <= USES.keys()


TWICE = {
    "__init__.py": "packages",
    "csv_file.py": "the data set and the split rule that a study calls csv",
    "prediction.py": "what predicts, and its commands",
    "splits.py": "splits, and their commands",
    "studies.py": "studies for programs, and their commands",
}
"""Names that several files have, and why."""


def test_no_two_files_have_one_name_without_a_reason() -> None:
    count = Counter(path.name for path in ROOT.rglob("*.py"))
    assert {name for name, number in count.items() if number > 1} == set(TWICE)
