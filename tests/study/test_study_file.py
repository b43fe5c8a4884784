"""The door: a study file is read whole, or refused with one clear message and nothing written."""

from __future__ import annotations

import contextlib
import shlex
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import StudyError
from harness.study import load_study
from harness.study.study_file import parse_study

STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.toml"))

BASE = """
[study]
name = "a"
[data]
dataset = "esc10"
[[arms]]
name = "LMCNet"
model = "su4"
features = "LMC"
[[arms]]
name = "MCNet"
model = "su4"
features = "MC"
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(BASE, encoding="utf-8")
    return path


def refuse(path: Path, extra: str = "", overrides: tuple[str, ...] = ()) -> str:
    """Return the message with which the study plus ``extra`` is refused."""
    if extra:
        path.write_text(BASE + extra, encoding="utf-8")
    before = sorted(path.parent.iterdir())
    with pytest.raises(StudyError) as caught:
        load_study(path, overrides)
    assert sorted(path.parent.iterdir()) == before
    assert caught.value.exit_code == 2
    assert str(path) in str(caught.value) or "--set" in str(caught.value)
    return str(caught.value)


def test_a_byte_order_mark_and_line_ends_of_other_systems_change_nothing(study: Path) -> None:
    plain = load_study(study)
    study.write_bytes(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode())
    assert load_study(study) == plain


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_shipped_studies_are_valid_and_named_after_their_file(path: Path) -> None:
    spec = load_study(path)
    assert spec.study.name == path.stem
    assert spec.study.question.endswith("?")


def test_these_studies_are_shipped() -> None:
    assert {path.stem for path in STUDIES} >= {
        "quickstart", "su2019-urbansound8k", "su2019-depth", "su2019-esc10", "resnet18-esc50", "resnet18-esc10",
    }  # fmt: skip


@pytest.mark.parametrize("said", ["replication", "reference", None])
def test_what_a_claim_is_compared_as_is_recorded_under_its_key(study: Path, said: str | None) -> None:
    line = "" if said is None else f'as = "{said}"\n'
    study.write_text(f'{BASE}[[compare]]\nclaim = "su2019:T2/MCNet"\narm = "MCNet"\n{line}', encoding="utf-8")
    spec = load_study(study)
    assert spec.compare[0].read_as == said
    recorded = spec.model_dump(mode="json")
    assert recorded["compare"] == [{"claim": "su2019:T2/MCNet", "arm": "MCNet", "as": said}]
    assert parse_study(recorded, "recorded") == spec
    assert load_study(study, ["compare.MCNet.as=reference"]).compare[0].read_as == "reference"


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_shipped_studies_say_what_every_claim_is(path: Path) -> None:
    for comparison in load_study(path).compare:
        # Piczak's systems are none of theirs.
        expected = "reference" if comparison.claim.startswith("piczak2015") else "replication"
        assert comparison.read_as == expected, comparison.claim


def test_an_override_reaches_its_field(study: Path) -> None:
    spec = load_study(study, ["train.epochs=3", "train.lr=0.1", "data.folds=[1, 2, 5]", "arms.MCNet.features=LM"])
    assert (spec.train.epochs, spec.train.lr, spec.data.folds) == (3, 0.1, (1, 2, 5))
    assert spec.arm("MCNet").features == "LM"


def test_an_override_reaches_dotted_names(study: Path) -> None:
    spec = load_study(
        study, ["search.trials=2", "search.space.train.lr.low=0.1", "search.space.train.lr.high=0.2",
                "arms.LMCNet.set.train.epochs=7"],
    )  # fmt: skip
    assert spec.search.space["train.lr"].low == 0.1
    assert spec.settings(spec.arm("LMCNet")).train.epochs == 7
    assert spec.settings(spec.arm("MCNet")).train.epochs == 50


def test_a_trial_s_values_stand_over_the_arm_s_and_the_study_s(study: Path) -> None:
    spec = load_study(study, ["arms.LMCNet.set.train.lr=0.2"])
    arm = spec.arm("LMCNet")
    assert spec.settings(arm).train.lr == 0.2
    assert spec.settings(arm, {"train.lr": 0.3}).train.lr == 0.3


def test_an_arm_may_have_a_protocol_of_its_own(study: Path) -> None:
    spec = load_study(study, ["arms.LMCNet.set.protocol.split=random-clip", "arms.LMCNet.seed_of=MCNet"])
    assert [spec.arm_protocol(arm).split for arm in spec.trained_arms] == ["random-clip", "official"]
    assert spec.arm_splits == ("random-clip", "official")
    with pytest.raises(ValueError, match="train or model"):
        spec.settings(spec.arm("LMCNet"), {"protocol.split": "official"})


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("[train]\nepohcs = 3\n", ["train.epohcs", "unknown key", "did you mean 'epochs'", "received 3", "batch_size"]),
        ("[train]\nepochs = 'many'\n", ["train.epochs", "integer", "received 'many'"]),
        ("[train]\nepochs = 0\n", ["train.epochs", "greater than 0", "received 0"]),
        ("[train]\nlr = nan\n", ["train.lr", "finite", "received nan"]),
        ("[train]\noptimizer = 'lion'\n", ["train.optimizer", "allowed: sgd, adam, adamw, or code", "'lion'"]),
        ("[train]\nschedule = 'step'\n", ["milestones"]),
        ("[train]\npatience = 3\n", ["patience", "best-on-validation"]),
        ("[[arms]]\nname='x'\nmodel='su4'\nfeatures='image:mel'\n", ["arm 'x'", "su4", "segment", "'image:mel'"]),
        ("[[arms]]\nname='x'\nmodel='resnet18'\nfeatures='LMC'\n", ["arm 'x'", "resnet18", "image", "'LMC'"]),
        ("[[arms]]\nname='x'\nmodel='su4-stacked'\nfeatures='LMC'\n", ["arm 'x'", "MLMC", "'LMC'"]),
        ("[[arms]]\nname='x'\nmodel='su5'\nfeatures='LMC'\n", ["arms[x]", "'su5'", "su4, su4-stacked, su6"]),
        ("[[arms]]\nname='x'\nmodel='su4'\nfeatures='LMX'\n", ["arm 'x'", "'LMX'", "allowed: LMC"]),
        ("[[arms]]\nname='x'\nmodel='resnet18'\nfeatures='image:mel+mfcc'\n", ["1 plane or 3", "image:mel+mfcc"]),
        ("[[arms]]\nname='x'\nfuse=['LMCNet','Nobody']\nrule='mean'\n", ["'x'", "'Nobody'", "LMCNet, MCNet"]),
        ("[[arms]]\nname='x'\nfuse=['LMCNet']\nrule='mean'\n", ["'x'", "at least 2"]),
        ("[[arms]]\nname='x'\nfuse=['LMCNet','MCNet']\n", ["'x'", "rule"]),
        ("[[arms]]\nname='x'\nfuse=['LMCNet','MCNet']\nrule='vote'\n", ["rule", "dempster-shafer", "'vote'"]),
        ("[[arms]]\nname='LMCNet'\nmodel='su4'\nfeatures='LM'\n", ["'LMCNet'", "2 times"]),
        ("[evaluate]\nfolds=[6]\n", ["evaluate.folds", "6", "[1, 2, 3, 4, 5]"]),
        ("[search]\ntrials=3\n", ["search", "space"]),
        ("[search]\ntrials=3\n[search.space]\n'train.speed'={low=1,high=2}\n", ["train.speed", "train.lr"]),
        ("[search]\ntrials=3\n[search.space]\n'train.lr'={low=0.1,high=0.01}\n", ["low", "0.1", "0.01"]),
        ("[search]\ntrials=3\n[search.space]\n'train.momentum'={low=0.1,high=2.0}\n", ["momentum", "2.0"]),
        ("[search]\ntrials=3\n[search.space]\n'train.optimizer'={choices=['sgd','x']}\n", ["optimizer", "'x'"]),
        ("[search]\ntrials=9\nsampler='grid'\n[search.space]\n'train.lr'={choices=[0.1,0.2]}\n", ["9", "2 points"]),
        ("[[compare]]\nclaim='su2019:T2/TSCNN-DS'\narm='TSCNN'\n", ["'TSCNN'", "LMCNet, MCNet"]),
        ("[[compare]]\nclaim='su2019:T2/MCNet'\narm='MCNet'\nas='claim'\n",
         ["compare[0].as", "'replication' or 'reference'", "received 'claim'"]),
        ("[[compare]]\nclaim='su2019:T2/MCNet'\narm='MCNet'\nass='reference'\n",
         ["unknown key", "did you mean 'as'", "allowed: claim, arm, as"]),
        ("[[compare]]\nclaim='97 percent'\narm='MCNet'\n", ["claim", "97 percent"]),
        ("[protocol]\nsplit='official'\nepoch_rule='best-on-validation'\nfinal_train='train+validation'\n",
         ["final_train", "no validation fold"]),
        ("[search]\ntrials=3\n[search.space]\n'protocol.split'={choices=['official','random-clip']}\n",
         ["protocol.split", "train or model"]),
        ("[[arms]]\nname='x'\nmodel='su4'\nfeatures='LMC'\nset={'protocol.split'='random'}\n", ["'x'", "'random'"]),
        ("[[arms]]\nname='x'\nmodel='su4'\nfeatures='LMC'\nset={'protocol.rule'='fixed'}\n",
         ["'protocol.rule'", "protocol.epoch_rule"]),
        ("[[arms]]\nname='x'\nmodel='resnet18'\nfeatures='image:mel'\nset={'protocol.split'='random-segment'}\n",
         ["'x'", "one item per clip", "random-clip"]),
        ("[[arms]]\nname='x'\nmodel='su4'\nfeatures='MC'\nset={'protocol.split'='random-clip'}\n"
         "[[arms]]\nname='y'\nfuse=['LMCNet','x']\nrule='mean'\n", ["'y'", "same protocol for LMCNet, x"]),
        ("[[arms]]\nname='x'\nmodel='su4'\nfeatures='LMC'\nseed_of='x'\n", ["'x'", "another trained arm", "LMCNet"]),
        ("[[arms]]\nname='x'\nmodel='su4'\nfeatures='LMC'\nseed_of='nobody'\n", ["'x'", "'nobody'", "LMCNet, MCNet"]),
        ("[[arms]]\nname='x'\nmodel='su4'\nfeatures='LMC'\nseed_of='LMCNet'\n"
         "[[arms]]\nname='y'\nmodel='su4'\nfeatures='LMC'\nseed_of='x'\n", ["'y'", "'x'", "'LMCNet'"]),
        ("[[arms]]\nname='x'\nfuse=['LMCNet','MCNet']\nrule='mean'\nseed_of='LMCNet'\n", ["'x'", "seed_of"]),
        ("[[arms]]\nname='x'\nmodel='su6'\nfeatures='LMC'\ntuned_as='y'\n", ["'x'", "'y'", "LMCNet, MCNet"]),
        ("[[arms]]\nname='x'\nmodel='su6'\nfeatures='LMC'\ntuned_as='x'\n", ["'x'", "LMCNet, MCNet"]),
        ("[[arms]]\nname='x'\nmodel='su6'\nfeatures='LMC'\ntuned_as='LMCNet'\nsearch=false\n", ["'x'", "exclusive"]),
        ("[[arms]]\nname='x'\nfuse=['LMCNet','MCNet']\nrule='mean'\ntuned_as='LMCNet'\n", ["'x'", "tuned_as"]),
        ("[[arms]]\nname='x'\nfuse=['LMCNet','MCNet']\nrule='mean'\nseeds=2\n", ["'x'", "seeds"]),
        ("[[arms]]\nname='x'\nmodel='su6'\nfeatures='LMC'\nseeds=0\n", ["seeds", "greater than 0"]),
        ("[surprise]\n", ["surprise", "unknown key"]),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_file_key_value_and_what_is_allowed(study: Path, extra: str, said: list[str]) -> None:
    message = refuse(study, extra)
    for part in said:
        assert part in message
    assert "Traceback" not in message


def test_folds_the_data_set_lacks_are_refused(study: Path) -> None:
    assert "esc10 has no fold 9; it has 1, 2, 3, 4, 5" in refuse(study, overrides=("data.folds=[1, 2, 9]",))
    assert "at least 2 different folds" in refuse(study, overrides=("data.folds=[1]",))


@pytest.mark.parametrize(
    ("override", "what"),
    [
        ("protocol.epoch_rule=best-on-validation", "best-on-validation"),
        ("protocol.final_train=train+validation", "train+validation"),
    ],
)
def test_two_folds_leave_none_to_validate(study: Path, override: str, what: str) -> None:
    assert load_study(study, ("data.folds=[1, 2]",)).data.validates is False
    message = refuse(study, overrides=("data.folds=[1, 2]", override))
    assert what in message
    assert "needs a validation fold, which esc10 does not have with 2 folds" in message


def test_two_folds_leave_none_to_search_on(study: Path) -> None:
    searched = "[search]\ntrials=2\n[search.space]\n'train.lr'={low=0.1,high=0.2}\n"
    assert "search.trials needs a validation fold" in refuse(study, searched, overrides=("data.folds=[1, 2]",))


def test_random_segments_need_segments(study: Path) -> None:
    message = refuse(
        study,
        "[[arms]]\nname='picture'\nmodel='resnet18'\nfeatures='image:mel'\n[protocol]\nsplit='random-segment'\n",
    )
    assert "'picture'" in message
    assert "random-clip" in message


def test_one_fault_is_one_line(study: Path) -> None:
    assert len(refuse(study, "[[arms]]\nname='x'\nmodel='resnet18'\nfeatures='LMC'\n").splitlines()) == 1


def test_the_only_arm_s_fault_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(BASE.split("[[arms]]")[0] + "[[arms]]\nname='x'\nmodel='resnet18'\nfeatures='LMC'\n")
    assert len(refuse(path).splitlines()) == 1


def test_files_that_are_no_study(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    assert "cannot read" in refuse(missing)
    broken = tmp_path / "broken.toml"
    broken.write_text("[study\n", encoding="utf-8")
    assert "not valid TOML" in refuse(broken)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "not a UTF-8 text file" in refuse(binary)
    empty = tmp_path / "empty.toml"
    empty.write_text("", encoding="utf-8")
    message = refuse(empty)
    assert "study: required" in message
    assert "arms: required" in message


@pytest.mark.parametrize(
    "override", ["train.epochs", "=3", "arms.Nobody.features=LM", "study.name.x=3", "arms.MCNet=3"]
)
def test_overrides_that_mean_nothing_are_refused(study: Path, override: str) -> None:
    assert override in refuse(study, overrides=(override,))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("study.name=2024", "study.name: input should be a valid string, received 2024; text needs quotes inside the "
         "shell's quotes: --set 'study.name=\"2024\"'"),
        ("study.name=true", "--set 'study.name=\"true\"'"),
        ("arms.MCNet.name=8", "--set 'arms.MCNet.name=\"8\"'"),
        ("train.lr=.001", "received '.001'; .001 is not valid TOML and was read as text: --set train.lr=0.001"),
        ("train.cuda_graphs=True", "; True is not valid TOML and was read as text: --set train.cuda_graphs=true"),
        ("data.folds=1,2,3", "--set 'data.folds=[1, 2, 3]'"),
        ("evaluate.folds=(1,2)", "--set 'evaluate.folds=[1, 2]'"),
        ("data.folds=None", "TOML has no None: omit --set data.folds to use the default"),
    ],
)  # fmt: skip
def test_an_override_that_is_no_toml_is_told_with_how_to_write_it(study: Path, override: str, said: str) -> None:
    told = refuse(study, overrides=(override,))
    assert said in told
    # What is advised is accepted there, but for what else the study may lack.
    if "--set '" in told or "--set train" in told:
        (_, advised) = shlex.split(told[told.rindex("--set ") :])
        load_study(study, (advised,))


def test_a_number_of_toml_needs_no_advice(study: Path) -> None:
    assert load_study(study, ("train.lr=1e-3",)).train.lr == 0.001
    assert "--set" not in refuse(study, overrides=("train.lr=fast",))


@given(st.text(max_size=200))
def test_any_text_is_a_study_or_a_study_error(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.toml"
        path.write_text(text, encoding="utf-8", errors="ignore")
        with pytest.raises(StudyError):
            load_study(path)


@given(st.text(max_size=60))
def test_any_override_is_set_or_refused(override: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.toml"
        path.write_text(BASE, encoding="utf-8")
        # Anything but a StudyError would be a traceback for the user, and fails here.
        with contextlib.suppress(StudyError):
            assert load_study(path, [override]).study.name


def test_a_long_value_is_cut_wherever_it_is_told() -> None:
    name, key = "x" * 30_000, "y" * 30_000
    unnamed = {"name": name, "model": "su4", "features": "LMC", key: 2}
    unknown = {"name": "A", "model": name, "features": "LMC"}
    doubled = {"name": "B", "fuse": [name, name], "rule": "mean"}
    for arm, parts in ((unnamed, ["arms[xxx", ".yyy", "at most"]), (unknown, ["'xxx"]), (doubled, ["'xxx"])):
        with pytest.raises(StudyError) as told:
            parse_study({"study": {"name": "long"}, "data": {"dataset": "synthetic"}, "arms": [arm]}, "study.toml")
        assert all(part in str(told.value) for part in parts), told.value
        assert max(map(len, str(told.value).splitlines())) < 1_200
