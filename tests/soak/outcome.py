"""What came of a scenario, and the table of all of them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.devices import processor_name


@dataclass
class Outcome:
    """Attempts of one scenario; ``lost`` names each attempt that did damage or ended otherwise, with what was found."""

    scenario: str
    workers: int = 1
    tried: int = 0
    lost: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def survived(self) -> int:
        """Attempts after which everything was as in an undisturbed run."""
        return self.tried - len(self.lost)

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """Return the outcome as a row of the table."""
        return (self.scenario, str(self.workers), str(self.tried), str(self.survived), str(len(self.lost)), self.note)


HEAD = ("scenario", "workers", "tried", "survived", "lost", "note")


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the table as text, which is also Markdown."""
    rows = [HEAD, *(outcome.cells() for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def document(outcomes: Sequence[Outcome], command: str, seed: int, seconds: float) -> dict[str, Any]:
    """Return the outcomes with the command, the machine and the versions that they hold for."""
    packages = ("torch", "mlflow", "optuna", "sqlalchemy")
    return {
        "command": command,
        "seed": seed,
        "seconds": round(seconds),
        "kills": sum(outcome.tried for outcome in outcomes if outcome.scenario.startswith("kill -9")),
        "machine": {"processor": processor_name(), "cores": os.cpu_count(), "platform": platform.platform()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        "scenarios": [{**asdict(outcome), "survived": outcome.survived} for outcome in outcomes],
    }


def markdown(content: dict[str, Any]) -> str:
    """Return a document as Markdown: the table, and under what it was made."""
    outcomes = [
        Outcome(**{key: value for key, value in row.items() if key != "survived"}) for row in content["scenarios"]
    ]
    versions = ", ".join(f"{name} {number}" for name, number in content["versions"].items())
    machine = content["machine"]
    return (
        f"# Soak\n\n{table(outcomes)}\n\n{content['kills']} kills, {len(outcomes)} scenarios; `{content['command']}`, "
        f"seed {content['seed']}, {content['seconds'] // 60} min on {machine['cores']} cores of {machine['processor']} "
        f"({machine['platform']}); {versions}.\n\nSurvived: no file was damaged by the kill or fault, the resumed "
        "study ended with exit code 0, and its predictions,\nweights, curves, trials, chosen values, parameters and "
        "results.json equal those of an undisturbed run bit for bit,\nexcept for times and run ids; every training has "
        "exactly one finished run, and no run is left open.\n"
    )


def write(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` as JSON and, beside it, as Markdown, each whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for target, text in ((path, json.dumps(content, indent=2) + "\n"), (path.with_suffix(".md"), markdown(content))):
        aside = target.with_name(f".{target.name}.writing")
        aside.write_text(text, encoding="utf-8")
        aside.replace(target)
