"""Code of a user: found beside the study file, refused in one sentence, and never run unless a study names it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from harness import own_code
from harness.errors import StudyError
from harness.models.build import build_model
from harness.own_code import activate, find_code, load
from harness.registry import NETWORKS, PLANES, UnknownNameError, is_reference
from harness.study import ModelSection

NET = """
from torch import nn
from parts.layers import linear

class Net(nn.Module):
    def __init__(self, input_shape, n_classes, width=3):
        super().__init__()
        self.body = linear(input_shape, n_classes)

    def forward(self, x):
        return self.body(x)

def no_module(input_shape, n_classes):
    return 3

def too_few(input_shape, n_classes):
    return linear(input_shape, n_classes - 1)

def fails(input_shape, n_classes):
    raise RuntimeError("no weights here")
"""

LAYERS = """
from math import prod
from torch import nn

def linear(shape, n):
    return nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), n))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "mynet.py").write_text(NET)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.py").write_text("")
    (tmp_path / "parts" / "layers.py").write_text(LAYERS)
    yield tmp_path
    activate(None)


def allow(folder: Path, *references: str) -> own_code.OwnCode:
    found = find_code(dict.fromkeys(references, "arm 'x': model"), folder)
    assert found is not None
    activate(found)
    return found


def build(reference: str) -> torch.nn.Module:
    return build_model(reference, ModelSection(), (1, 4, 5), 7)


def test_a_module_beside_the_study_makes_a_network(folder: Path) -> None:
    allow(folder, "mynet:Net")
    assert build("mynet:Net")(torch.zeros(2, 1, 4, 5)).shape == (2, 7)


def test_its_digest_covers_what_it_imports(folder: Path) -> None:
    found = allow(folder, "mynet:Net")
    assert sorted(found.record()["files"]) == ["mynet.py", "parts/__init__.py", "parts/layers.py"]
    before = found.digest_of(["mynet:Net"])
    (folder / "parts" / "layers.py").write_text(f"{LAYERS}# changed\n")
    assert find_code({"mynet:Net": "model"}, folder).digest_of(["mynet:Net"]) != before  # type: ignore[union-attr]
    assert found.digest_of(["other:Net"]) == ""


def test_changed_code_is_imported_anew(folder: Path) -> None:
    allow(folder, "mynet:Net")
    assert build("mynet:Net")(torch.zeros(2, 1, 4, 5)).shape == (2, 7)
    (folder / "mynet.py").write_text(NET.replace("return self.body(x)", "return self.body(x) * 0"))
    allow(folder, "mynet:Net")
    assert not build("mynet:Net")(torch.ones(2, 1, 4, 5)).any()


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("mynet:Missing", "the module mynet has no 'Missing'; it has Net, fails, linear"),
        ("mynet:no_module", "expected a torch.nn.Module, received a int"),
        ("mynet:too_few", "expected logits of shape (2, 7), received (2, 6)"),
        ("mynet:fails", "the call failed: RuntimeError: no weights here (mynet.py, line"),
    ],
)
def test_a_network_that_does_not_fit_is_one_sentence(folder: Path, reference: str, said: str) -> None:
    allow(folder, reference)
    with pytest.raises(StudyError) as refused:
        build(reference)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_module_that_fails_to_import_is_one_sentence(folder: Path) -> None:
    (folder / "broken.py").write_text("import torch\nraise KeyError('x')\n")
    allow(folder, "broken:Net")
    with pytest.raises(StudyError, match=r"importing broken failed: KeyError: 'x' \(broken.py, line 2\)"):
        build("broken:Net")


def test_what_is_not_there_not_python_or_in_two_places_is_refused(folder: Path) -> None:
    with pytest.raises(StudyError, match=r"arm 'x': model = 'nowhere:Net': there is no nowhere.py in"):
        find_code({"nowhere:Net": "arm 'x': model"}, folder)
    (folder / "torch.py").write_text("")
    with pytest.raises(StudyError, match=r"torch.py has the name of an installed module \(torch "):
        find_code({"torch:Net": "model"}, folder)
    (folder / "syntax.py").write_text("def f(:\n")
    with pytest.raises(StudyError, match=r"syntax.py, line 1 is not Python"):
        find_code({"syntax:f": "model"}, folder)


def test_nothing_runs_that_no_study_named(folder: Path) -> None:
    activate(None)
    assert NETWORKS.get("os:system").build == "os:system"
    with pytest.raises(StudyError, match="runs only with the study file that names it"):
        build("os:system")
    allow(folder, "mynet:Net")
    with pytest.raises(StudyError, match="runs only with the study file"):
        load("os:system", "model")


def test_finding_imports_nothing(folder: Path) -> None:
    (folder / "loud.py").write_text("print('ran')\n")
    script = (
        "from pathlib import Path\nfrom harness.own_code import find_code\n"
        f"print(find_code({{'loud:f': 'model'}}, Path({str(folder)!r})).record()['files'].keys())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "dict_keys(['loud.py'])"


def test_installed_modules_are_recorded_by_version(folder: Path) -> None:
    found = find_code({"torch.nn:Linear": "model", "json:loads": "train.loss"}, folder)
    assert found is not None
    assert found.record()["packages"] == ["json of Python", f"torch {torch.__version__.split('+')[0]}"]
    assert found.digest_of(["torch.nn:Linear"]) != found.digest_of(["json:loads"]) != ""


def test_names_of_code() -> None:
    names = ("a:b", "a.b:c", "LMC", "a:", ":b", "a:b.c", "1a:b")
    assert [name for name in names if is_reference(name)] == ["a:b", "a.b:c"]
    assert PLANES.get("mine:plane").own
    with pytest.raises(UnknownNameError, match="or code of your own as 'module:name'"):
        NETWORKS.get("mynet")


def test_networks_of_torchvision_take_any_number_of_channels() -> None:
    model = build_model("torchvision:squeezenet1_1", ModelSection(), (1, 64, 64), 5)
    assert model(torch.zeros(2, 1, 64, 64)).shape == (2, 5)
    with pytest.raises(StudyError, match="torchvision has no such network; it has alexnet"):
        build_model("torchvision:resnet19", ModelSection(), (3, 64, 64), 5)


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(StudyError, match=r"timm is not installed; install it with: pip install 'harness\[timm\]'"):
        build_model("timm:resnet18", ModelSection(), (3, 64, 64), 5)


def test_a_study_that_names_a_library_that_is_not_installed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.own_code.installed_as", lambda *_: "")
    with pytest.raises(StudyError, match=r"^arm 'x': model = 'timm:resnet18': timm is not installed; .*\[timm\]'"):
        find_code({"timm:resnet18": "arm 'x': model"}, tmp_path)
