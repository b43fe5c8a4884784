"""A data set small enough to be run through the command line in a second, and the command line itself."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from harness.cli import cli

ESC10 = (0, 1, 10, 11, 12, 20, 21, 38, 40, 41)
COLUMNS = ("filename", "fold", "target", "category", "esc10", "src_file", "take")
RATE = 22050
FOLDS = (1, 2, 3)
STUDY = """
[study]
name = "toy"
[data]
dataset = "esc10"
folds = [1, 2, 3]
[train]
epochs = 1
threads = 1
[[arms]]
name = "A"
model = "su8"
features = "LM"
[evaluate]
folds = [1]
[tracking]
system_metrics = false
"""


@dataclass
class House:
    """A folder with a study, three folds of tiny clips (one for each class of ESC-10), a cache and a store."""

    folder: Path
    rows: list[dict[str, object]] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def metadata(self) -> Path:
        return self.data / "ESC-50" / "meta" / "esc50.csv"

    @property
    def study(self) -> Path:
        return self.folder / "study.toml"

    def clip(self, row: int) -> Path:
        return self.data / "ESC-50" / "audio" / str(self.rows[row]["filename"])

    def save(self) -> None:
        self.metadata.parent.mkdir(parents=True, exist_ok=True)
        with self.metadata.open("w", newline="", encoding="utf-8") as file:
            lines = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            lines.writeheader()
            lines.writerows(self.rows)

    def arguments(self, *more: str) -> list[str]:
        """Return the arguments of a run-study that reads and writes nothing outside the folder."""
        places = {"--data-root": "data", "--cache": "cache", "--reports": "reports"}
        named = [word for option, name in places.items() for word in (option, str(self.folder / name))]
        store = ["--tracking-uri", f"sqlite:///{self.folder / 'mlruns' / 'mlflow.db'}"]
        # No test of bad input looks at a report: the last --report of a call counts.
        few = ["--device", "cpu", "--workers", "1", "--report", "none"]
        return ["run-study", str(self.study), *named, *store, *few, *more]

    def run(self, *more: str) -> Result:
        return CliRunner().invoke(cli, self.arguments(*more))

    def check(self) -> Result:
        return CliRunner().invoke(cli, ["data", "check", "esc10", "--data-root", str(self.data), "--folds", "1,2,3"])


def noise(seed: int, n: int = RATE // 2) -> np.ndarray:
    """Return ``n`` quiet samples, different for each seed."""
    return np.random.default_rng(seed).normal(scale=0.1, size=n)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Return a house whose data a test may spoil."""
    made = House(tmp_path)
    for fold in FOLDS:
        for target in ESC10:
            source = fold * 1000 + target
            values = (f"{fold}-{source}-A-{target}.wav", fold, target, f"class{target}", True, source, "A")
            made.rows.append(dict(zip(COLUMNS, values, strict=True)))
            made.clip(-1).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(made.clip(-1), noise(source), RATE, subtype="PCM_16")
    made.save()
    made.study.write_text(STUDY, encoding="utf-8")
    return made


def refused(result: Result, *said: str) -> str:
    """Return the one message with which a command refused its input, after seeing that it is one."""
    output: str = result.output
    assert result.exit_code == 2, (result.exit_code, output)
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in output
    lines = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, output
    for words in said:
        assert words in lines[0], (words, lines[0])
    return lines[0]


@pytest.fixture
def refusal() -> Callable[..., str]:
    """Return :func:`refused`."""
    return refused
