"""The report's last section: the exact command, and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.record import StudyRecord, shown_git
from harness.report import wording
from harness.report.latex import breakable, code, escape
from harness.report.results import command

_PACKAGES = (
    "torch", "torchaudio", "torchvision", "numpy", "scipy", "pandas", "scikit-learn", "librosa", "soundfile", "soxr",
    "optuna", "mlflow", "matplotlib",
)  # fmt: skip
_LONGEST_VALUE = 300


def environment_tex(record: StudyRecord) -> list[str]:
    """Return command, duration and environment of the study run as parts of a LaTeX document."""
    parts = []
    ran = command(record)
    if ran:
        parts.append(rf"Command: {{\raggedright {code(ran)}\par}}")
    parts.append(f"Run {escape(record.run_id)}, {escape(record.status.lower())}, {record.seconds:,.0f} seconds in all.")
    rows = [
        rf"{breakable(name)} & {breakable(_shortened(value))} \\"
        for name, value in _flat({**record.environment, **_git(record)})
        if name != "command"
    ]
    if rows:
        parts.append(
            "\n{\\footnotesize\n\\begin{longtable}[l]{@{}>{\\raggedright\\arraybackslash}p{48mm}"
            ">{\\raggedright\\arraybackslash}p{104mm}@{}}\n\\toprule\n"
            + "\n".join(rows)
            + "\n\\bottomrule\n\\end{longtable}}"
        )
        parts.append(r"All of it stands in \texttt{results.json}.")
    return parts


def _git(record: StudyRecord) -> dict[str, Any]:
    return {"git": shown_git(record.environment)} if "git" in record.environment else {}


def _flat(environment: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested entries as dotted names and text; of the installed packages only those that affect numbers."""
    rows: list[tuple[str, str]] = []
    for key, value in environment.items():
        name = f"{prefix}{key}"
        if name == "packages" and isinstance(value, Mapping):
            shown = [f"{package} {value[package]}" for package in _PACKAGES if package in value]
            rows.append((name, ", ".join(shown) or wording.NOTHING))
        elif isinstance(value, Mapping):
            rows += _flat(value, f"{name}.")
        else:
            rows.append((name.replace("_bytes", ""), _text(name, value)))
    return rows


def _text(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(_text(str(key), entry) for key, entry in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_text(name, entry) for entry in value) or "none"
    if name.endswith("_bytes") and isinstance(value, int | float):
        return f"{value / 2**30:.1f} GiB"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return wording.NOTHING if value in (None, "") else str(value)


def _shortened(text: str) -> str:
    """Return text short enough for a cell; a digest is cut to its first 16 characters, which identify it."""
    if len(text) >= 40 and " " not in text and all(sign in "0123456789abcdef" for sign in text.lower()):
        return f"{text[:16]}…"
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST_VALUE else f"{flat[: _LONGEST_VALUE - 1]}…"
