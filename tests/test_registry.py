"""Names are found, in the package and outside it, without running what no study names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness import registry
from harness.registry import DATASETS, NETWORKS, Layout, Network, UnknownNameError, code, feature_set, register
from harness.study.sections import FeaturesSection

_NET = '''
from torch import nn
from harness.registry import Layout, Network
from harness.section import Section

class Options(Section):
    width: int = 8
    """Channels."""

def build(input_shape, n_classes, width):
    return nn.Sequential(
        nn.Conv2d(input_shape[0], width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, n_classes)
    )

NETWORK = Network("toynet", "toy_net:build", (Layout.SEGMENTS, Layout.IMAGE), options="toy_net:Options")
'''


@pytest.fixture
def _guests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules that an installed package has, with its entry points."""
    folder = tmp_path / "site"
    info = folder / "toys-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[harness.networks]\ntoynet = toy_net:NETWORK\nbroken = toy_broken:NETWORK\nmisnamed = toy_net:NETWORK\n"
    )
    (folder / "toy_net.py").write_text(_NET)
    (folder / "toy_broken.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w').close()\nraise OSError('no licence')\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    NETWORKS.names()  # discovers the built-in ones, which would be lost with the copy
    monkeypatch.setattr(NETWORKS, "_items", dict(NETWORKS._items))
    return folder


@pytest.mark.usefixtures("_guests")
def test_a_network_of_another_package_is_one_file_and_its_entry_point() -> None:
    import torch

    from harness.models.build import build_model
    from harness.study.sections import ModelSection

    assert "toynet" in NETWORKS.names()
    model = build_model("toynet", ModelSection(width=5), (1, 20, 20), 3)
    assert model(torch.zeros(2, 1, 20, 20)).shape == (2, 3)
    assert model[0].out_channels == 5


@pytest.mark.usefixtures("_guests")
def test_code_of_other_packages_runs_only_when_it_is_named(tmp_path: Path) -> None:
    assert {"su4", "resnet18", "broken"} <= set(NETWORKS.names())
    with pytest.raises(UnknownNameError, match=r"unknown model 'su5'; allowed: broken, .*su4"):
        NETWORKS.get("su5")
    NETWORKS.get("toynet")
    assert not (tmp_path / "ran").exists()
    with pytest.raises(
        UnknownNameError, match=r"'broken': toy_broken:NETWORK .* cannot be loaded: OSError: no licence"
    ):
        NETWORKS.get("broken")
    assert (tmp_path / "ran").exists()


def test_neither_a_study_nor_a_list_runs_planes_that_no_study_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site"
    (info := folder / "planes-1.0.dist-info").mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planes\nVersion: 1.0\n")
    groups = ("networks", "planes", "feature_sets", "datasets", "splits")
    (info / "entry_points.txt").write_text("\n".join(f"[harness.{each}]\nfoe = foe:X\n" for each in groups))
    (folder / "foe.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(str(folder))
    feature_set("image:mel+mfcc+log-mel")
    for name in ("nothing", "image:nothing"):
        with pytest.raises(UnknownNameError, match="foe" if ":" in name else "allowed"):
            feature_set(name)
    FeaturesSection.model_validate({"planes": {"LM": {"n_mels": 40}}})
    with pytest.raises(ValueError, match="Extra inputs"):
        FeaturesSection.model_validate({"planes": {"LX": {"n_mels": 40}}})
    for registered in (NETWORKS, registry.PLANES, registry.FEATURE_SETS, DATASETS, registry.SPLITS):
        assert "foe" not in [item.name for item in registered]
        assert "foe" in registered.names()
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("_guests")
def test_an_entry_point_must_have_the_name_of_what_it_describes() -> None:
    with pytest.raises(UnknownNameError, match=r"'misnamed': .* is not a Network of that name"):
        NETWORKS.get("misnamed")


@pytest.mark.usefixtures("_guests")
def test_one_broken_package_hides_no_other_name() -> None:
    assert "broken" in NETWORKS
    NETWORKS.get("toynet")
    found = [network.name for network in NETWORKS]
    assert {"su4", "toynet"} <= set(found)
    assert not {"broken", "misnamed"} & set(found)


def test_installed_packages_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **group: calls.append(group) or [])
    registry.registry._points_on.cache_clear()
    try:
        assert "no such network" not in NETWORKS
        assert "no such network" not in NETWORKS
    finally:
        registry.registry._points_on.cache_clear()
    assert calls == [{"group": "harness.networks"}]


def test_a_module_that_fails_to_import_fails_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "failing_rules"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "rule.py").write_text("raise OSError('no licence')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for _ in range(2):
        with pytest.raises(OSError, match="no licence"):
            registry.discover("failing_rules")


def test_two_descriptions_cannot_share_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    NETWORKS.names()  # discovers the built-in ones, which would be lost with the copy
    monkeypatch.setattr(NETWORKS, "_items", dict(NETWORKS._items))
    register(NETWORKS.get("resnet18"))
    with pytest.raises(ValueError, match="'resnet18' is registered twice"):
        register(Network("resnet18", "elsewhere:build", (Layout.IMAGE,)))


@pytest.mark.parametrize(
    "reference", ["", "harness", "harness:", ":x", "harness.errors:no such", "harness.errors:Missing"]
)
def test_a_reference_that_names_no_code_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match=r"is not a reference to code|has no 'Missing'"):
        code(reference)


def test_every_description_names_code_that_is_there() -> None:
    for item in NETWORKS:
        assert callable(code(item.build))
        registry.options_of(item)()
    for plane in registry.PLANES:
        assert callable(code(plane.compute))
        assert callable(code(plane.rows))
        registry.options_of(plane)()
    for dataset in DATASETS:
        assert callable(code(dataset.read))
        registry.options_of(dataset)()
    for rule in registry.SPLITS:
        assert callable(code(rule.deal))


def test_feature_sets_name_their_planes() -> None:
    assert feature_set("LMC").planes == ("LM", "chroma", "contrast", "tonnetz")
    assert feature_set("MLMC").planes == ("MFCC", "LM", "chroma", "contrast", "tonnetz")
    assert feature_set("LM").layout is Layout.SEGMENTS
    assert feature_set("image:log-mel").planes == ("LM",)
    assert feature_set("image:spectrogram+mel+mfcc").layout is Layout.IMAGE
    for wrong in ("LMX", "mel", "image:", "image:mel+mel+mfcc", "image:mel+mfcc", "image:nothing"):
        with pytest.raises(UnknownNameError, match=r"allowed|1 plane or 3"):
            feature_set(wrong)


def test_descriptions_are_read_without_the_heavy_libraries() -> None:
    script = (
        "import sys\nfrom harness import registry as r\n"
        "[list(each) for each in (r.NETWORKS, r.PLANES, r.FEATURE_SETS, r.DATASETS, r.SPLITS)]\n"
        "[r.options_of(each) for kind in (r.NETWORKS, r.PLANES, r.DATASETS) for each in kind]\n"
        "heavy = ('torch', 'pandas', 'librosa', 'mlflow', 'optuna', 'matplotlib')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
