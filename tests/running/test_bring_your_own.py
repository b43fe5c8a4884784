"""The page studies/bring-your-own.md: its blocks, put into files as it says, make a study that runs to verdicts."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

from harness import own_code
from harness.claims.library import load_library
from tests.own_project import write_clips
from tests.running.test_own_project import run

PAGE = Path(__file__).parents[2] / "studies" / "bring-your-own.md"


def blocks(page: Path = PAGE) -> list[str]:
    """Return the indented blocks of a page."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [textwrap.dedent(block).strip("\n") for block in found]


def write_page(folder: Path) -> Path:
    """Write the files of the page into ``folder``; return the study file."""
    (folder / "claims").mkdir()
    study = []
    for block in blocks():
        name = re.match(r"# ([\w/]+\.(?:py|toml))\n", block)
        if name:
            (folder / name[1]).write_text(f"{block}\n", encoding="utf-8")
        elif block.startswith("["):
            study.append(block)
    path = folder / "study.toml"
    path.write_text("\n\n".join(study) + "\n", encoding="utf-8")
    return path


@pytest.mark.slow
def test_the_page_leads_from_an_empty_folder_to_verdicts(tmp_path: Path) -> None:
    rows = write_clips(tmp_path, folds=(1, 2, 3, 4, 5))
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "embeddings.npz", **{str(row["file"])[:-4]: rng.standard_normal(8) for row in rows})
    study = write_page(tmp_path)
    library = load_library((tmp_path / "claims",))
    assert library.claim("doe2020:T1/Net").percent == 92.0
    short = re.sub(r"epochs = \d+", "epochs = 1", study.read_text(encoding="utf-8"))
    study.write_text(re.sub(r"seeds = \d+", "seeds = 1", short), encoding="utf-8")
    try:
        outcome, lines = run(study, tmp_path)
    finally:
        own_code.activate(None)
    assert outcome.failures == ()
    assert sum(line.startswith("runs code of the study: ") for line in lines) == 2
    found = json.loads((tmp_path / "reports/kitchen/results.json").read_text(encoding="utf-8"))
    assert {arm["name"] for arm in found["arms"]} == {"mel32", "mel64", "mine", "linear probe"}
    assert found["comparisons"][0]["claim"]["address"] == "doe2020:T1/Net"
    assert (tmp_path / "reports/kitchen/README.md").is_file()
