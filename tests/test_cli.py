"""The command line's surface, its errors and exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli import cli

STUDIES = Path(__file__).parents[1] / "studies"


def leaves(command: object, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], set[str]]:
    """Return every command with the names of its options and arguments."""
    inner = getattr(command, "commands", None)
    if inner:
        return {key: value for name, child in inner.items() for key, value in leaves(child, (*path, name)).items()}
    return {path: {option for parameter in command.params for option in parameter.opts}}  # type: ignore[attr-defined]


def test_the_surface_is_what_documents_and_scripts_rely_on() -> None:
    assert leaves(cli) == {
        ("run-study",): {
            "study", "--quiet", "--json", "--data-root", "--set", "--device", "--devices", "--workers",
            "--tracking-uri", "--reports",
            "--report", "--cache", "--no-wait", "--executor", "--address", "--arms",
        },
        ("plan",): {
            "study", "--data-root", "--set", "--device", "--devices", "--workers", "--executor", "--address", "--arms",
        },
        ("report",): {"--bundle", "--license", "--part",
            "study", "--check", "--run-id", "--declarations", "--audio", "--data-root", "--tracking-uri", "--reports",
        },
        ("overview",): {"reports", "--output", "--network"},
        ("predict",): {
            "network", "recordings", "--arm", "--fold", "--seed", "--ensemble", "--tracking-uri", "--study-folder",
            "--top", "--hop", "--csv", "--plot", "--device", "--json",
        },
        ("export",): {
            "network", "--arm", "--fold", "--seed", "--ensemble", "--tracking-uri", "--study-folder",
            "--output", "--onnx",
        },
        ("sync",): {"--tracking-uri"},
        ("slurm",): {
            "study", "--nodes", "--gpus-per-node", "--time", "--partition", "--account", "--qos", "--mem",
            "--cpus-per-task", "--output", "options",
        },
        ("replay",): {
            "run", "--arm", "--fold", "--seed", "--declarations", "--study-folder", "--data-root", "--device",
            "--workers", "--tracking-uri", "--cache", "--json",
        },
        ("diff",): {"run_a", "run_b", "--tracking-uri", "--json"},
        ("compare",): {
            "--scores", "--claim", "--contrast", "--claims", "--dataset", "--data-folds", "--validation-apart",
            "--estimand", "--split", "--epoch-rule", "--tuning", "--margin", "--confidence", "--claim-exact",
            "--as", "--json", "--predictions", "files", "--latex", "--output", "--reference", "--task",
        },
        ("claims", "list"): {"paper", "--claims"},
        ("claims", "show"): {"address", "--claims"},
        ("claims", "audit"): {"paper", "--claims", "--output"},
        ("claims", "site"): {"files", "--claims", "--output", "--only", "--report"},
        ("claims", "check"): {"file"},
        ("features", "show"): {"what", "--sets", "--output", "--study", "--dataset", "--clips", "--data-root"},
        ("fields",): {"section"},
        ("list",): {"kind"},
        ("new",): {"kind", "name"},
        ("schema",): {"kind", "--output"},
        ("data", "list"): {"--data-root"},
        ("data", "check"): {"dataset", "--data-root", "--folds", "--columns", "--workers"},
        ("data", "duplicates"): {"audio", "--data-root", "--columns", "--workers", "--csv", "--json"},
        ("data", "fetch"): {"dataset", "--data-root", "--url", "--checksum"},
        ("data", "synth"): {"--data-root", "--clips", "--seed"},
        ("splits", "check"): {
            "--metadata", "--split", "--set", "--columns", "--audio", "--seed", "--workers", "--json", "--latex",
        },
        ("cache",): {"--cache", "--prune"},
        ("ui",): {"--tracking-uri", "--host", "--port"},
    }  # fmt: skip


@pytest.mark.parametrize("path", leaves(cli), ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    assert "Usage: cli " + " ".join(path) in result.output
    assert "Options:" in result.output


def test_a_study_error_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text((STUDIES / "quickstart.toml").read_text(encoding="utf-8").replace("epochs", "epohcs"))
    result = CliRunner().invoke(cli, ["run-study", str(study)])
    assert result.exit_code == 2
    assert result.output.startswith(f"error: {study}: train.epohcs: unknown key (did you mean 'epochs'?)")
    assert list(tmp_path.iterdir()) == [study]


def test_a_missing_data_set_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    given = ["--data-root", str(tmp_path / "none"), "--set", "train.precision=float32"]
    result = CliRunner().invoke(cli, ["run-study", str(STUDIES / "su2019-esc10.toml"), *given])
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert "ESC-50" in result.output
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_device_this_machine_lacks_is_told() -> None:
    result = CliRunner().invoke(cli, ["run-study", str(STUDIES / "quickstart.toml"), "--device", "cuda:99"])
    assert result.exit_code == 2
    assert "--device cuda:99: this machine has" in result.output


@pytest.mark.parametrize("command", ["run-study", "plan"])
def test_a_precision_the_processor_lacks_is_told_before_anything_is_loaded(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.training import precision

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: False)
    study = str(STUDIES / "quickstart.toml")
    given = ["--set", "train.precision=bfloat16", "--device", "cpu", "--data-root", str(tmp_path)]
    result = CliRunner().invoke(cli, [command, study, *given])
    assert result.exit_code == 2
    assert "arm 'log-mel': " in result.output
    assert "--set train.precision=float32" in result.output
    assert list(tmp_path.iterdir()) == []


def test_fields_tells_every_field_with_its_meaning() -> None:
    result = CliRunner().invoke(cli, ["fields", "train"])
    assert result.exit_code == 0
    for field in ("epochs", "batch_size", "precision", "class_weights"):
        assert field in result.output


def test_fields_of_an_unknown_section_names_the_sections() -> None:
    result = CliRunner().invoke(cli, ["fields", "nothing"])
    assert result.exit_code == 2
    assert "train" in result.output


def test_fold_lists_are_numbers() -> None:
    result = CliRunner().invoke(cli, ["data", "check", "esc10", "--folds", "1,two"])
    assert result.exit_code == 2
    assert "--folds 1,two" in result.output
