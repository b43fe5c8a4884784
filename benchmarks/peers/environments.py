"""An environment for each peer, made once with ``python -m venv`` and pip, and kept in an ignored folder.

A peer runs with the harness's torch and numpy: otherwise versions of torch would be compared, not programs. Its
environment therefore sees the packages of this one, after its own; pip installs what is missing or has another version
there, and may not replace torch. Versions are pinned in requirements/.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from harness.errors import HarnessError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".peers"
REQUIREMENTS = Path(__file__).parent / "requirements"
_DONE = "made-from.txt"
_SHOWN = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"


@dataclass(frozen=True)
class Environment:
    """The interpreter of a peer, and the versions of what it runs."""

    python: Path
    versions: dict[str, str]


def environment(name: str, folder: Path | None = None) -> Environment:
    """Return the environment of the peer ``name``, made if there is none of these requirements yet.

    Raises
    ------
    HarnessError
        When pip cannot install it, for example without network.
    """
    place = (folder or FOLDER) / name
    python = place / "bin" / "python"
    key = _key(name)
    done = place / _DONE
    if not (done.is_file() and done.read_text(encoding="utf-8") == key):
        _make(name, place, python)
        done.write_text(key, encoding="utf-8")
    return Environment(python, _versions(name, python))


def pinned(name: str) -> str:
    """Return the pinned version of the peer ``name`` itself."""
    lines = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").split()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{name}=="))


def _key(name: str) -> str:
    """Return what an environment depends on: the requirements, torch, the interpreter, and where the packages are."""
    parts = [
        (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8"),
        version("torch"),
        sys.version,
        sysconfig.get_path("purelib"),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _make(name: str, place: Path, python: Path) -> None:
    print(f"making the environment of {name} in {place.name}/ (a minute; needs the package index)", flush=True)
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    (own,) = place.glob("lib/python*/site-packages")
    (own / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    wanted = REQUIREMENTS / f"{name}.txt"
    command = [str(python), "-m", "pip", "install", "--quiet", f"torch=={version('torch')}", "-r", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(place, ignore_errors=True)
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()[-1:]
        raise HarnessError(
            f"{name} {pinned(name)} could not be installed into an environment of its own: pip said {' '.join(said)!r}",
            "The first run needs the package index; later ones use the environments in .peers/, without network.",
        )


def _versions(name: str, python: Path) -> dict[str, str]:
    done = subprocess.run(
        [str(python), "-c", _SHOWN, name, "torch", "numpy"], capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found
