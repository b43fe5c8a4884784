"""Hostile report folders, and places that cannot be written: nothing is read or run, nothing is half-made."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.record import StudyRecord
from harness.report.folder.place import MANIFEST
from harness.report.typeset.latex import escape
from harness.report.write import write_report
from harness.tracking.study_reader import read_study
from tests.records import MakeRecord, renamed, restudied
from tests.stores import record_tiny

pytestmark = pytest.mark.slow

needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
SECRET = b"the secret of another file"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose store holds a study called tiny."""
    folder = tmp_path_factory.mktemp("store")
    record_tiny(folder)
    return folder


def report(store: Path, reports: Path) -> Result:
    uri = f"sqlite:///{store}/mlruns/mlflow.db"
    return CliRunner().invoke(cli, ["report", "tiny", "--tracking-uri", uri, "--reports", str(reports)])


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def logged(store: Path) -> dict[str, bytes]:
    """Return the report that was logged to the run."""
    run_id = read_study(f"sqlite:///{store}/mlruns/mlflow.db", "tiny").run_id
    (folder,) = (store / "mlruns").rglob(f"{run_id}/artifacts/reports")
    return files(folder)


@pytest.mark.slow
@needs_latex
def test_what_is_planted_in_a_report_folder_is_neither_read_nor_run_nor_logged(store: Path, tmp_path: Path) -> None:
    clean = report(store, tmp_path / "clean")
    assert clean.exit_code == 0, clean.output
    secret, mark = tmp_path / "secret.txt", tmp_path / "mark"
    secret.write_bytes(SECRET)
    folder = tmp_path / "reports" / "tiny"
    (folder / "tables").mkdir(parents=True)
    (folder / "figures").mkdir()
    for name in ("booktabs.sty", "siunitx.cfg", "lmodern.sty", "hyperref.cfg", "article.cls", "tables/booktabs.sty"):
        (folder / name).write_text(rf"\immediate\write18{{touch {mark}}}\input{{{secret}}}\nosuchcommand")
    for name in ("latexmkrc", ".latexmkrc", "LatexMk"):
        (folder / name).write_text(f"system('touch {mark}');\n")
    (folder / "texmf.cnf").write_text("shell_escape = t\nopenout_any = a\nopenin_any = a\n")
    for name in ("notes.md", "tables/notes.tex", "figures/notes.png"):
        (folder / name).symlink_to(secret)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "id_rsa").write_bytes(SECRET)
    (folder / "home").symlink_to(tmp_path / "home")
    (folder / "mine.txt").write_bytes(b"notes of mine")

    result = report(store, tmp_path / "reports")

    assert result.exit_code == 0, result.output
    assert not mark.exists()
    expected = files(tmp_path / "clean" / "tiny")
    assert (folder / "report.pdf").read_bytes() == expected["report.pdf"]
    assert expected.items() <= files(folder).items()
    assert set(logged(store)) == set(expected) - {MANIFEST}
    assert SECRET not in b"".join(logged(store).values())
    assert (folder / "notes.md").is_symlink()


@needs_latex
def test_the_printed_advice_runs_no_start_up_file(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = os.environ["PATH"]
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        result = report(store, tmp_path / "reports")
    (advice,) = re.findall(r"or run: (cd .*)", result.output)
    folder, mark = tmp_path / "reports" / "tiny", tmp_path / "mark"
    for name in ("latexmkrc", ".latexmkrc"):
        (folder / name).write_text(f"system('touch {mark}');\n")
    (folder / "booktabs.sty").write_text(
        rf"\immediate\write18{{touch {mark}}}\openin1={tmp_path}/secret \ifeof1\else\x\fi"
    )
    (tmp_path / "secret").write_bytes(SECRET)
    done = subprocess.run(["bash", "-c", advice], env={**os.environ, "PATH": path}, capture_output=True, check=False)
    assert b"-norc" not in done.stderr
    assert not mark.exists()
    assert b"Undefined control sequence. \\x" not in done.stdout


@pytest.mark.parametrize("link", ["tables", "figures", "results.json", "report.pdf", "tables/folds.tex", ".", MANIFEST])
def test_a_link_in_the_place_of_a_part_is_refused(
    store: Path, tmp_path: Path, refusal: Callable[..., str], link: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_bytes(SECRET)
    folder = tmp_path / "reports" / "tiny"
    place = folder if link == "." else folder / link
    place.parent.mkdir(parents=True)
    place.symlink_to(outside if link in ("tables", "figures", ".") else outside / "a")
    result = report(store, tmp_path / "reports")
    if link == "report.pdf" and not shutil.which("pdflatex"):
        assert result.exit_code == 0
    else:
        refusal(result, str(place), "is a symbolic link")
    assert files(outside) == {"a": SECRET}


PAYLOADS = (
    r"\input{/etc/passwd}",
    r"\immediate\write18{touch MARK}",
    r"\newread\f\openin\f=/etc/passwd",
    r"\catcode`\@=11 \@@input|touch",
    r"^^5cinput{/etc/passwd}",
    r"\end{document}\input{|id}",
    "%\n\\input{/etc/passwd}",
    r"}}\csname input\endcsname{/etc/passwd}",
    r"\verb|\input|$\input{a}$",
)


def test_latex_in_names_is_escaped() -> None:
    for payload in PAYLOADS:
        shown = escape(payload)
        commands = set(re.findall(r"\\[A-Za-z]+", shown))
        assert commands <= {r"\textbackslash", r"\textasciigrave", r"\textbar", r"\textasciicircum"}, shown
        assert "^^" not in shown
        assert not re.search(r"(?<!\\)%", shown)


@needs_latex
def test_latex_in_names_of_arms_classes_and_clips_is_printed(make_record: MakeRecord, tmp_path: Path) -> None:
    classes = PAYLOADS[:3]
    record = make_record(
        name="a", trained=[(payload, "su4", "LMC", 1.0) for payload in PAYLOADS[3:6]], fused=None, folds=(1, 2, 3),
        n_seeds=1, classes=classes,
    )  # fmt: skip
    record = restudied(record, study={"question": " ".join(PAYLOADS)})
    made = write_report(record, tmp_path / "a", networks={})
    assert made.pdf is not None, made.pdf_hint
    assert not list(tmp_path.rglob("MARK"))


@pytest.mark.parametrize("place", ["file", "file/below", "full"])
def test_reports_that_cannot_be_a_folder_are_refused_in_one_sentence(
    store: Path, tmp_path: Path, refusal: Callable[..., str], place: str
) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "full").symlink_to("/dev/full")
    before = files(tmp_path / "file") if (tmp_path / "file").is_dir() else (tmp_path / "file").read_bytes()
    result = report(store, tmp_path / place)
    refusal(result, str(tmp_path / place), "the report cannot be written: Not a directory", "name another folder")
    assert (tmp_path / "file").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]


def test_a_study_with_no_place_for_its_report_is_refused_before_it_trains(
    tmp_path: Path, refusal: Callable[..., str]
) -> None:
    (tmp_path / "reports").write_bytes(b"mine")
    study = tmp_path / "tiny.toml"
    study.write_text(
        '[study]\nname = "tiny"\n[data]\ndataset = "synthetic"\n[[arms]]\nname = "A"\nmodel = "su4"\nfeatures = "LM"\n'
    )
    places = {"--data-root": "data", "--cache": "cache", "--reports": "reports"}
    named = [word for option, name in places.items() for word in (option, str(tmp_path / name))]
    store = ["--tracking-uri", f"sqlite:///{tmp_path}/mlruns/mlflow.db"]
    refusal(CliRunner().invoke(cli, ["run-study", str(study), *named, *store]), "the report cannot be written")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reports", "tiny.toml"]


@pytest.mark.parametrize("command", ["report", "overview", "audit"])
def test_folders_in_the_place_of_files_are_refused(
    store: Path, tmp_path: Path, refusal: Callable[..., str], command: str
) -> None:
    target = tmp_path / "reports" / "tiny"
    name = {"report": "results.json", "overview": "protocols.csv", "audit": "audit.tex"}[command]
    (target / name / "mine").mkdir(parents=True)
    if command == "report":
        result = report(store, tmp_path / "reports")
    elif command == "audit":
        result = CliRunner().invoke(cli, ["claims", "audit", "guzhov2020", "--output", str(target)])
    else:
        ours = sorted((Path(__file__).parents[2] / "reports").glob("protocols-esc10"))
        result = CliRunner().invoke(cli, ["overview", *map(str, ours), "--output", str(target)])
    refusal(result, str(target / name), "was not written by harness")
    assert [path.name for path in target.iterdir()] == [name]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_read_only_folder_is_one_sentence(store: Path, tmp_path: Path, refusal: Callable[..., str]) -> None:
    (tmp_path / "reports").mkdir(mode=0o500)
    refusal(report(store, tmp_path / "reports"), "the report cannot be written: Permission denied")


def _process(store: Path, reports: Path, **more: object) -> subprocess.Popen[bytes]:
    script = "from harness.cli import main; main()"
    uri = f"sqlite:///{store}/mlruns/mlflow.db"
    return subprocess.Popen(
        [sys.executable, "-c", script, "report", "tiny", "--tracking-uri", uri, "--reports", str(reports)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,  # type: ignore[call-overload]
    )  # fmt: skip


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_leaves_nothing(store: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk that is full: a write fails in the middle of a file."""
    full = _process(
        store, tmp_path / "reports", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
    )
    out, err = full.communicate(timeout=300)
    assert full.returncode == 2, err
    assert out == b""
    lines = [line for line in err.decode().splitlines() if "cannot be written: File too large" in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"error: {tmp_path}/reports/tiny")
    assert b"Traceback" not in err
    assert not (tmp_path / "reports").exists()


def test_a_full_standard_output_is_one_sentence() -> None:
    with Path("/dev/full").open("wb") as full:
        script = "from harness.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", script, "claims", "list"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    assert done.stderr == b"error: cannot read or write a file or stream: No space left on device\n"


@pytest.mark.slow
def test_three_reports_at_once_leave_one_whole_report(store: Path, tmp_path: Path) -> None:
    running = [_process(store, tmp_path / "reports") for _ in range(3)]
    for process in running:
        _, err = process.communicate(timeout=500)
        assert process.returncode == 0, err
    folder = tmp_path / "reports" / "tiny"
    found = files(folder)
    named = json.loads(found.pop(MANIFEST))["files"]
    assert {name: digest for name, digest in named.items() if digest} == {
        name: hashlib.sha256(content).hexdigest() for name, content in found.items()
    }
    assert not [path for path in folder.iterdir() if path.name.startswith(".") and path.name != MANIFEST]


def test_formulas_in_names_reach_no_table(small: StudyRecord, tmp_path: Path) -> None:
    name = "=HYPERLINK(A1)"
    arm = small.spec.arms[0].name
    swap = {"arm": {arm: name}}
    record = dataclasses.replace(
        small, spec=renamed(small.spec, [name]), predictions=small.predictions.replace(swap),
        folds=small.folds.replace(swap), history=small.history.replace(swap), leakage=small.leakage.replace(swap),
    )  # fmt: skip
    made = write_report(record, tmp_path, networks={}, figures=False)
    cells = [
        cell
        for table in made.tables
        if table.suffix == ".csv"
        for line in table.read_text(encoding="utf-8").splitlines()
        for cell in line.split(",")
    ]
    assert f"'{name}" in cells
    assert not [cell for cell in cells if cell.lstrip('"').startswith(("=", "@"))]
