"""What commands that answer at once import: libraries that take longer to load than the answer takes are pinned."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUDIES, PAPERS = ROOT / "studies", ROOT / "harness" / "claims" / "papers"
SLOW = (
    "pydantic",
    "rich",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "scipy.stats",
    "scipy.optimize",
    "statsmodels",
    "sklearn",
    "torch",
    "torchvision",
    "torchaudio",
    "librosa",
    "matplotlib",
    "mlflow",
    "optuna",
    "sqlalchemy",
    "ray",
)
CALLS = {
    ("--help",): set(),
    ("run-study", "--help"): set(),
    ("compare", "--scores", "{scores}", "--claim", "su2019:T2/TSCNN-DS", "--contrast", "A", "B"): {
        "pydantic",
        "rich",
        "numpy",
        "scipy",
    },
    ("claims", "check", str(PAPERS / "gong2021.toml")): {"pydantic", "rich"},
    # Networks are built to count and time them; clips are a pandas table.
    ("plan", str(STUDIES / "quickstart.toml"), "--set", "train.precision=float32"): {
        "pydantic",
        "rich",
        "numpy",
        "pandas",
        "pyarrow",
        "torch",
    },
}


@pytest.mark.parametrize(("call", "expected"), CALLS.items(), ids=[" ".join(call[:2]) for call in CALLS])
def test_a_command_imports_only_what_its_answer_needs(
    call: tuple[str, ...], expected: set[str], tmp_path: Path
) -> None:
    scores = tmp_path / "scores.csv"
    rows = [
        f"{arm},{fold},{0.8 + fold / 100 - (fold == 3) * (arm == 'B') / 10}" for arm in "AB" for fold in range(1, 6)
    ]
    scores.write_text("\n".join(["arm,fold,accuracy", *rows]))
    arguments = [scores if word == "{scores}" else word for word in call]
    script = (
        "import sys\nfrom harness.cli import cli\n"
        f"try:\n    cli({[str(each) for each in arguments]!r})\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        f"print([name for name in {SLOW!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().splitlines()[-1] == str([name for name in SLOW if name in expected])
