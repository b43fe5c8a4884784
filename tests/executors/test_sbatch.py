"""Batch files for SLURM: what is asked for, quoted and refused; bash can read each."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.errors import StudyError
from harness.executors.sbatch import Job, batch_file


def lines_of(text: str, directive: str) -> list[str]:
    return [line.removeprefix("#SBATCH --") for line in text.splitlines() if line.startswith(f"#SBATCH --{directive}")]


def write(folder: Path, *options: str) -> tuple[Result, Path]:
    output = folder / "job.sh"
    return CliRunner().invoke(cli, ["slurm", "quickstart", "--output", str(output), *options]), output


def test_one_node_runs_the_study_without_ray(tmp_path: Path) -> None:
    result, file = write(
        tmp_path, "--time", "4:00:00", "--gpus-per-node", "2", "--partition", "gpu,long", "--mem", "64G", "--",
        "--data-root", "/my data/$(reboot)", "--set", "train.epochs=3",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.output == f"{file} written; submit it with: sbatch {file}\n"
    text = file.read_text()
    for directive in ("nodes=1", "gpus-per-node=2", "time=4:00:00", "partition=gpu,long", "mem=64G", "requeue"):
        assert lines_of(text, directive) == [directive]
    assert lines_of(text, "signal") == ["signal=B:USR1@120"]
    assert not [word for word in ("--executor", "RAY_", "ray start") if word in text]
    (command,) = [line for line in text.splitlines() if " run-study " in line]
    words = shlex.split(command.removesuffix(" &"))
    assert words[1] == "run-study"
    assert words[3:] == ["--data-root", "/my data/$(reboot)", "--set", "train.epochs=3"]
    assert not lines_of(write(tmp_path, "--time", "90", "--gpus-per-node", "0")[1].read_text(), "gpus")


def test_several_nodes_are_a_ray_cluster_with_a_token_and_ports_of_their_own(tmp_path: Path) -> None:
    result, file = write(tmp_path, "--nodes", "3", "--gpus-per-node", "4", "--time", "1-12")
    assert result.exit_code == 0, result.output
    text = file.read_text()
    subprocess.run(["bash", "-n", file], check=True)
    assert '.toml --device cuda --executor ray --address "$address:$port" &' in text
    for part in ("RAY_AUTH_MODE=token", "export RAY_AUTH_TOKEN", "--num-gpus=4", "/tmp/ray-$SLURM_JOB_ID"):
        assert part in text
    # What the shell computes: all ports of a job lie in its own thousand.
    start = text.index("port=$((")
    script = f"SLURM_JOB_ID=123457; {text[start : text.index('export RAY_AUTH_MODE')]}" + 'echo "$port ${own[@]}"'
    told = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    first, *options = told.split()
    ports = [int(option.partition("=")[2]) for option in options if "port=" in option]
    assert first == "28000"
    assert len(set(ports)) == len(ports) == 8
    assert all(28000 < port < 29000 for port in ports)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--time", "1; reboot"], "--time '1; reboot': expected minutes"),
        (["--time", "1:2:3"], "--time '1:2:3': expected minutes"),
        (["--time", "5", "--partition", "a b"], "--partition 'a b': expected a name"),
        (["--time", "5", "--account", "-x"], "--account '-x': expected a name"),
        (["--time", "5", "--mem", "lots"], "--mem 'lots': expected a number of megabytes"),
        (["--time", "5", "--nodes", "0"], "--nodes"),
        (["--time", "5", "--", "--set", "train.epohcs=3"], "did you mean 'epochs'"),
        (["--time", "5", "--", "--sut", "x"], "No such option"),
        (["--time", "5", "--", "--data-root", "a\nb"], "contains a line feed"),
    ],
)
def test_what_cannot_be_run_is_refused_and_nothing_written(tmp_path: Path, options: list[str], told: str) -> None:
    result, file = write(tmp_path, *options)
    assert result.exit_code == 2
    assert told in result.output
    assert not file.exists()


def test_a_name_of_a_study_cannot_leave_its_line() -> None:
    text = batch_file(Job("a b\n#SBATCH --uid=0", 1, 0, "5"), ["harness"])
    assert lines_of(text, "job-name") == ["job-name=harness-a-b-SBATCH---uid-0"]
    assert not lines_of(text, "uid")
    with pytest.raises(StudyError, match="line feed"):
        batch_file(Job("a", 1, 0, "5"), ["harness", "a\nb"])
