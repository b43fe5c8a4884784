"""Data never becomes code: nothing is unpickled or evaluated, no shell is asked, and hostile files stay files.

One limit stands by design: worker processes of one study exchange their tasks over pipes that multiprocessing pickles.
Nothing from outside the two processes enters these pipes.
"""

from __future__ import annotations

import ast
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import harness
from harness.errors import HarnessError
from harness.features.cache.cached_plane import DamagedEntryError, Target, open_entry
from harness.features.cache.chunks import read_part
from harness.features.cache.feature_store import FeatureRef
from harness.features.sets import LaidOut
from harness.registry import Layout

PACKAGE = Path(harness.__file__).parent
# Called in any form: name, attribute, or imported from its module.
FORBIDDEN = {
    "eval", "exec", "compile", "__import__", "execfile",
    "pickle.load", "pickle.loads", "pickle.Unpickler", "pickle.dumps", "pickle.dump", "cPickle.load",
    "dill.load", "dill.loads", "cloudpickle.load", "cloudpickle.loads", "marshal.load", "marshal.loads", "shelve.open",
    "joblib.load", "pd.read_pickle", "pandas.read_pickle", "np.fromregex",
    "yaml.load", "yaml.unsafe_load", "yaml.full_load",
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
    "mlflow.pyfunc.load_model", "mlflow.pytorch.load_model", "torch.jit.load", "torch.hub.load",
    "tempfile.mktemp", "tarfile.TarFile.extractall",
}  # fmt: skip
METHODS = {"extractall", "to_pickle", "read_pickle", "allow_pickle"}


def _sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{_dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                top = each.name.partition(".")[0]
                names[each.asname or top] = each.name if each.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {(each.asname or each.name): f"{node.module}.{each.name}" for each in node.names}
    return names


def faults(source: str) -> Iterator[str]:
    """Yield every call in ``source`` that could turn data into code."""
    tree = ast.parse(source)
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _dotted(node.func)
        first, dot, rest = name.partition(".")
        full = f"{aliases.get(first, first)}{dot}{rest}"
        keywords = {word.arg: word.value for word in node.keywords}

        def given(key: str, keywords: dict[str | None, ast.expr] = keywords) -> object:
            value = keywords.get(key)
            return value.value if isinstance(value, ast.Constant) else value

        if full in FORBIDDEN or name in FORBIDDEN or full.rpartition(".")[2] in METHODS:
            yield f"line {node.lineno}: {full}"
        if full == "torch.load" and given("weights_only") is not True:
            yield f"line {node.lineno}: torch.load without weights_only=True"
        if full in ("numpy.load", "np.load") and given("allow_pickle") is not False:
            yield f"line {node.lineno}: numpy.load without allow_pickle=False"
        if full in ("numpy.save", "np.save") and given("allow_pickle") is not False:
            yield f"line {node.lineno}: numpy.save without allow_pickle=False"
        if given("shell") not in (None, False):
            yield f"line {node.lineno}: shell={given('shell')}"


def test_the_package_calls_nothing_that_turns_data_into_code() -> None:
    found = {
        str(path.relative_to(PACKAGE)): told
        for path in _sources()
        if (told := list(faults(path.read_text(encoding="utf-8"))))
    }
    assert len(_sources()) > 100
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.load(f)",
        "from pickle import loads as l\nl(b)",
        "import pickle as p\np.Unpickler(f)",
        "import torch\ntorch.load('x')",
        "import torch\ntorch.load('x', weights_only=False)",
        "import numpy as np\nnp.load('x')",
        "import numpy as np\nnp.load('x', allow_pickle=flag)",
        "import pandas as pd\npd.read_pickle('x')",
        "import joblib\njoblib.load('x')",
        "import yaml\nyaml.load('x')",
        "eval('1')",
        "exec(text)",
        "import os\nos.system('ls')",
        "import subprocess\nsubprocess.run('ls', shell=True)",
        "archive.extractall(folder)",
    ],
)
def test_the_search_finds_what_it_looks_for(source: str) -> None:
    assert list(faults(source))


def test_the_search_lets_pass_what_is_safe() -> None:
    assert not list(
        faults(
            "import numpy as np, torch, subprocess, re\nnp.load('x', mmap_mode='r', allow_pickle=False)\n"
            "torch.load('x', weights_only=True)\nsubprocess.run(['ls'])\nre.compile('x')\nmodel.eval()\n"
        )
    )


class Bomb:
    """What unpickles itself by making a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Return a folder that exists only after a bomb was unpickled."""
    return tmp_path / "executed"


def _object_array(path: Path, mark: Path) -> Path:
    np.save(path, np.array([Bomb(mark)], dtype=object), allow_pickle=True)
    return path


def test_the_bomb_goes_off_where_it_is_unpickled(tmp_path: Path, mark: Path) -> None:
    np.load(_object_array(tmp_path / "x.npy", mark), allow_pickle=True)
    assert mark.is_dir()


def test_hostile_features_run_nothing(tmp_path: Path, mark: Path) -> None:
    file = _object_array(tmp_path / "LM.npy", mark)
    ref = FeatureRef("LM", "segments", ("LM",), (str(file),), np.array([0, 1]), 1, 1, "digest")
    with pytest.raises(HarnessError, match="cannot be read"):
        ref.load()
    with zipfile.ZipFile(tmp_path / "part.npz", "w") as archive:
        archive.write(file, "values.npy")
        archive.write(file, "frames.npy")
    assert read_part(tmp_path / "part.npz", "segments", 1) is None
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(Bomb(mark)))
    assert read_part(tmp_path / "pickle.npz", "segments", 1) is None
    target = Target(tmp_path, LaidOut(Layout.SEGMENTS, "LM"), "ab" * 32, {})
    target.folder.mkdir()
    for name in ("LM.npy", "offsets.npy", "manifest.json"):
        (target.folder / name).write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(DamagedEntryError):
        open_entry(target, 1)
    assert not mark.exists()


def test_hostile_weights_run_nothing(tmp_path: Path, mark: Path) -> None:
    import torch

    from harness.tracking.files import read_weights

    for number, content in enumerate((pickle.dumps(Bomb(mark)), b"\xff" * 16, b"")):
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(content)
        with pytest.raises(HarnessError, match="damaged"):
            read_weights(path)
    torch.save({"weight": Bomb(mark)}, tmp_path / "torch.safetensors")
    with pytest.raises(HarnessError, match="damaged"):
        read_weights(tmp_path / "torch.safetensors")
    assert not mark.exists()


def test_hostile_tables_run_nothing(tmp_path: Path, mark: Path) -> None:
    from harness.tracking.files import read_json, read_predictions

    payload = pickle.dumps(Bomb(mark))
    table = pa.table({"arm": pa.array([payload], pa.binary())}).replace_schema_metadata(
        {"pandas": payload, "p": payload}
    )
    pq.write_table(table, tmp_path / "predictions.parquet")
    (tmp_path / "raw.parquet").write_bytes(payload)
    (tmp_path / "x.json").write_bytes(payload)
    for read, name in (
        (read_predictions, "predictions.parquet"),
        (read_predictions, "raw.parquet"),
        (read_json, "x.json"),
    ):
        with pytest.raises(HarnessError, match="cannot be read"):
            read(tmp_path / name)
    assert not mark.exists()
