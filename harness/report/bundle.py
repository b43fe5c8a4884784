"""A report as a research object: one archive with what it says of itself, for repositories of data (RO-Crate 1.1 and
later, https://www.researchobject.org/ro-crate/).

It holds the generated files of a report folder and the resolved study; whoever has it can check and replay the results.
"""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from harness import __version__
from harness.errors import ReportError
from harness.report.folder.read import open_report
from harness.study.migrate import recorded_document
from harness.system.writing import write_atomically

STUDY = "study.json"
_WHOLE = (
    "results.json",
    "predictions.parquet",
    "curves.parquet",
    "README.md",
    "report.html",
    "report.tex",
    "report.pdf",
)
_FOLDERS = ("tables", "figures")
_FORMATS = {
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".md": "text/markdown",
    ".html": "text/html",
    ".tex": "application/x-tex",
    ".pdf": "application/pdf",
    ".csv": "text/csv",
    ".png": "image/png",
}
NOT_STATED = "The licence is not stated. Predictions derive from recordings, which have the licence of their data set."


def write_bundle(folder: Path, target: Path, licence: str = "", published: date | None = None) -> Path:
    """Write the report in ``folder`` as the RO-Crate archive ``target``, and return its path.

    Parameters
    ----------
    folder
        Folder of a report.
    target
        The archive; its name ends in ``.zip``.
    licence
        Licence of the results, preferably its address; empty for none stated.
    published
        Date of publication; None for today.

    Raises
    ------
    ReportError
        When the folder holds no report, the library is missing, or the archive cannot be written.
    """
    if target.suffix != ".zip":
        raise ReportError(f"{target}: expected a name that ends in .zip")
    report = open_report(folder)
    try:
        from rocrate.model.softwareapplication import SoftwareApplication
        from rocrate.rocrate import ROCrate
    except ImportError:
        raise ReportError("a bundle needs the package rocrate: pip install 'harness[bundle]'") from None
    study = report.results.study
    crate = ROCrate(version="1.1")
    crate.name = f"Results of the study {study.name}"
    crate.description = report.spec.study.question or f"Results of the study {study.name}."
    crate.datePublished = (published or datetime.now(UTC).date()).isoformat()
    crate.license = licence or NOT_STATED
    crate.keywords = f"sound classification, {report.spec.data.name}, reproducibility"
    with tempfile.TemporaryDirectory(prefix="harness-") as temporary:
        document = Path(temporary) / STUDY
        document.write_text(json.dumps(recorded_document(report.spec), indent=2, ensure_ascii=False), encoding="utf-8")
        described = {"name": "The resolved study", "encodingFormat": "application/json"}
        spec = crate.add_file(document, STUDY, properties=described)
        results = [
            crate.add_file(path, name, properties={"name": name, "encodingFormat": _FORMATS[path.suffix]})
            for name, path in _files(folder)
        ]
        software = crate.add(
            SoftwareApplication(
                crate, "#harness", {"name": "harness", "version": __version__, "softwareVersion": __version__}
            )
        )
        command = str(report.found.get("command") or "harness run-study")
        crate.add_action(software, "#run", [spec], results, {"name": command, "description": f"run {study.run_id}"})
        try:
            write_atomically(target, crate.write_zip)
        except OSError as error:
            raise ReportError(f"{target}: cannot write the bundle: {error.strerror or error}") from None
    return target


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Return the generated files of a report by name; links are left out, since they may lead anywhere."""
    found = [(name, folder / name) for name in _WHOLE]
    for below in _FOLDERS:
        inside = folder / below
        if inside.is_dir() and not inside.is_symlink():
            found += [(f"{below}/{path.name}", path) for path in sorted(inside.iterdir()) if path.suffix in _FORMATS]
    return [(name, path) for name, path in found if path.is_file() and not path.is_symlink()]
