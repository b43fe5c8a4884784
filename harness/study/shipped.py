"""The studies that ship with the package, by name; in a checkout they are in ``studies/``."""

from __future__ import annotations

from pathlib import Path

from harness.errors import StudyError
from harness.text.messages import near

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "shipped_studies", _PACKAGE.parent / "studies")


def shipped_studies() -> dict[str, Path]:
    """Return the study files that ship with the package, by name, sorted."""
    folder = next((folder for folder in _FOLDERS if (folder / "quickstart.toml").is_file()), None)
    files = sorted(folder.glob("*.toml")) if folder is not None else []
    return {file.stem: file for file in files}


def study_path(given: str) -> Path:
    """Return the study file that ``given`` names: a path, or the name of a study that ships with the package.

    Raises
    ------
    StudyError
        When there is no such file and no such study.
    """
    path = Path(given)
    if path.exists() or path.suffix or path.name != given:
        return path
    known = shipped_studies()
    if given in known:
        return known[given]
    raise StudyError(
        f"{given}: no such file, and no study of this name{near(given, known)}; available: {', '.join(known)}"
    )
