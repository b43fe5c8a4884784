"""What a study has on disk, dead or ended, read without the product's readers: databases, artifacts, cache, report.

:func:`damage` says what a dead study holds that a reader would take for whole and that is not; :func:`facts` returns
what two studies must have in common when one of them was disturbed.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet
from PIL import Image
from safetensors import safe_open

from harness.report.folder.place import MANIFEST

# Times and ids that are drawn anew: the only things in which two runs of one study may differ.
_VOLATILE = ("seconds", "segments_per_second", "run_id", "environment", "command", "system/")


def damage(folder: Path, reference: Facts | None = None) -> list[str]:
    """Return what is broken in a study that may have died at any moment; empty when nothing is."""
    found = [*_broken_databases(folder), *_broken_files(folder), *_broken_entries(folder), *_broken_search(folder)]
    if found:
        return found
    ended = _finished_folds(folder)
    found += [f"{key} has {n} finished runs" for key, n in Counter(row["key"] for row in ended).items() if n > 1]
    for row in ended:
        for name in ("predictions.parquet", "segments.parquet"):
            if not (row["artifacts"] / name).is_file():
                found.append(f"{row['key']} is FINISHED without {name}")
    if reference is not None and not found:
        known = reference["folds"]
        found += [
            f"{row['key']} is FINISHED with other results than an undisturbed run"
            for row in ended
            if row["key"] in known and _result_of(row) != known[row["key"]]
        ]
    return found


Facts = dict[str, Any]


def facts(folder: Path) -> Facts:
    """Return what an ended study says, without times and drawn ids."""
    report = next((folder / "reports").iterdir())
    return {
        "predictions": _table(report / "predictions.parquet"),
        "results": _steady(json.loads((report / "results.json").read_text(encoding="utf-8"))),
        "report files": sorted(str(file.relative_to(report)) for file in report.rglob("*") if file.is_file()),
        "folds": {row["key"]: _result_of(row) for row in _finished_folds(folder)},
        "fold runs": dict(Counter(row["key"] for row in _finished_folds(folder))),
        "runs": _other_runs(folder),
        "trials": _trials(folder),
    }


def differences(expected: Facts, found: Facts) -> list[str]:
    """Return where ``found`` differs from ``expected``, by name."""
    said = []
    for name, value in expected.items():
        other = found[name]
        if name in ("folds", "fold runs"):
            said += [f"{name}: {key} differs or is missing" for key in value if other.get(key) != value[key]]
            said += [f"{name}: {key} is new" for key in other if key not in value]
        elif value != other:
            said.append(f"{name}: {_first_difference(value, other)}")
    return said


def still_open(folder: Path) -> list[str]:
    """Return what is left RUNNING or waiting after a study has ended."""
    with closing(_open(folder, "mlflow")) as store:
        runs = store.execute("SELECT run_uuid, name FROM runs WHERE status IN ('RUNNING', 'SCHEDULED')").fetchall()
    found = [f"run {name} ({run}) is still RUNNING" for run, name in runs]
    with closing(_open(folder, "optuna")) as search:
        states = search.execute("SELECT number FROM trials WHERE state IN ('RUNNING', 'WAITING')").fetchall()
    found += [f"trial {number} of the search is still open" for (number,) in states]
    # The report's own list of its files belongs there; what is written aside does not.
    left = [path for path in folder.glob("reports/**/.*") if path.name != MANIFEST]
    return found + [f"{path.relative_to(folder)} is left behind" for path in left]


def store_folder(folder: Path) -> Path:
    """Return where a study's databases lie: in ``mlruns``, or in the spool of the server it is meant for."""
    return next((spool for spool in folder.glob("mlruns/spool/*") if spool.is_dir()), folder / "mlruns")


def _open(folder: Path, name: str) -> sqlite3.Connection:
    # Opened to write: a dead writer's journal must be rolled back, as the next process would.
    return sqlite3.connect(store_folder(folder) / f"{name}.db")


def _tables(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _broken_databases(folder: Path) -> Iterator[str]:
    for name in ("mlflow", "optuna"):
        if (store_folder(folder) / f"{name}.db").exists():
            with closing(_open(folder, name)) as database:
                (answer,) = database.execute("PRAGMA integrity_check").fetchone()
            if answer != "ok":
                yield f"{name}.db: {answer}"


def _broken_files(folder: Path) -> Iterator[str]:
    for path in [*(folder / "mlruns").rglob("*"), *(folder / "reports").rglob("*")]:
        inside = path.relative_to(folder)
        if not path.is_file() or any(part.startswith(".") for part in inside.parts):
            continue
        try:
            _read(path)
        except Exception as error:
            yield f"{inside}: {type(error).__name__}: {error}"


def _read(path: Path) -> None:
    """Read a file whole, by its kind; raises when it is not whole."""
    match path.suffix:
        case ".parquet":
            pyarrow.parquet.read_table(path)
        case ".json":
            json.loads(path.read_text(encoding="utf-8"))
        case ".png":
            Image.open(path).load()
        case ".safetensors":
            with safe_open(path, "np") as file:
                for name in file.keys():  # noqa: SIM118
                    file.get_tensor(name)
        case ".pdf":
            if not path.read_bytes().rstrip().endswith(b"%%EOF"):
                raise ValueError("no end of file mark")
        case ".csv" | ".tex":
            if not path.read_bytes().endswith(b"\n"):
                raise ValueError("the last line has no end")


def _broken_entries(folder: Path) -> Iterator[str]:
    cache = folder / "cache"
    for entry in cache.iterdir() if cache.is_dir() else ():
        if entry.name.startswith("."):
            continue
        try:
            stated = json.loads((entry / "manifest.json").read_text(encoding="utf-8"))["files"]
            for name, about in stated.items():
                if hashlib.sha256((entry / name).read_bytes()).hexdigest() != about["sha256"]:
                    yield f"cache/{entry.name}/{name}: not what its manifest states"
        except (OSError, ValueError, KeyError) as error:
            yield f"cache/{entry.name}: {error}"


def _broken_search(folder: Path) -> Iterator[str]:
    trials = _trials(folder)
    indices = [trial["index"] for trial in trials]
    if indices != list(range(len(indices))):
        yield f"the search counts trials {indices}"
    values = [json.dumps(trial["values"], sort_keys=True) for trial in trials]
    yield from (f"{value} was tried twice" for value, n in Counter(values).items() if n > 1)


def _trials(folder: Path) -> list[dict[str, Any]]:
    """Return the trials that count, by index."""
    if not (store_folder(folder) / "optuna.db").exists():
        return []
    with closing(_open(folder, "optuna")) as search:
        if not {"trials", "trial_params", "trial_user_attributes", "trial_values"} <= _tables(search):
            return []
        found = []
        for trial, state in search.execute("SELECT trial_id, state FROM trials"):
            attributes = dict(
                search.execute("SELECT key, value_json FROM trial_user_attributes WHERE trial_id = ?", (trial,))
            )
            if state != "COMPLETE" and not (state == "FAIL" and "error" in attributes):
                continue
            params = search.execute(
                "SELECT param_name, param_value FROM trial_params WHERE trial_id = ? ORDER BY 1", (trial,)
            )
            value = search.execute("SELECT value FROM trial_values WHERE trial_id = ?", (trial,)).fetchall()
            steps = search.execute(
                "SELECT step, intermediate_value FROM trial_intermediate_values WHERE trial_id = ? ORDER BY 1", (trial,)
            )
            found.append(
                {
                    "index": int(attributes["index"]),
                    "state": state,
                    "values": dict(params.fetchall()),
                    "value": value,
                    "steps": steps.fetchall(),
                    "folds": json.loads(attributes.get("folds", "{}")),
                }
            )
    return sorted(found, key=lambda each: int(each["index"]))


def _runs(folder: Path, where: str) -> list[dict[str, Any]]:
    if not (store_folder(folder) / "mlflow.db").exists():
        return []
    with closing(_open(folder, "mlflow")) as store:
        if not {"runs", "tags", "params", "latest_metrics"} <= _tables(store):
            return []
        runs = store.execute(f"SELECT run_uuid, name, status, artifact_uri FROM runs WHERE {where}").fetchall()
        return [
            {
                "id": run,
                "name": name,
                "status": status,
                "artifacts": Path(uri.removeprefix("file://")),
                "tags": dict(store.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (run,))),
                "params": dict(store.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run,))),
                "metrics": dict(store.execute("SELECT key, value FROM latest_metrics WHERE run_uuid = ?", (run,))),
                "epochs": sorted(
                    store.execute(
                        "SELECT key, step, value FROM metrics WHERE run_uuid = ? AND key LIKE 'epoch/%'", (run,)
                    )
                ),
                "inputs": len(store.execute("SELECT 1 FROM inputs WHERE destination_id = ?", (run,)).fetchall()),
            }
            for run, name, status, uri in runs
        ]


def _finished_folds(folder: Path) -> list[dict[str, Any]]:
    found = []
    for run in _runs(folder, "status = 'FINISHED'"):
        if run["tags"].get("level") == "fold":
            # A training's key alone names no trial of the final phase: each fold has one.
            found.append({**run, "key": run["tags"]["task_key"]})
    return found


def _result_of(run: dict[str, Any]) -> dict[str, Any]:
    kinds = {".parquet": _table, ".safetensors": _digest, ".csv": _digest}
    files = {path.name: kinds[path.suffix](path) for path in sorted(run["artifacts"].iterdir()) if path.suffix in kinds}
    return {
        "files": files,
        "params": run["params"],
        "inputs": run["inputs"],
        "epochs": [entry for entry in run["epochs"] if not _volatile(entry[0].removeprefix("epoch/"))],
        "metrics": {
            name: value for name, value in run["metrics"].items() if not _volatile(name.removeprefix("epoch/"))
        },
    }


def _other_runs(folder: Path) -> list[tuple[Any, ...]]:
    """Return study and trial runs: level, name, status, parameters, inputs, scores."""
    return sorted(
        (
            run["tags"].get("level", "none"),
            run["name"],
            run["status"],
            json.dumps(run["params"], sort_keys=True),
            run["inputs"],
            json.dumps({key: value for key, value in run["metrics"].items() if not _volatile(key)}, sort_keys=True),
            "study_run" in run["tags"],
            run["tags"].get("error", ""),
        )
        for run in _runs(folder, "1")
        if run["tags"].get("level") != "fold"
    )


def _digest(path: Path) -> str:
    content = path.read_bytes()
    if path.name == "history.csv":
        lines = content.decode().splitlines()
        kept = [index for index, name in enumerate(lines[0].split(",")) if not _volatile(name)]
        content = "\n".join(",".join(line.split(",")[index] for index in kept) for line in lines).encode()
    return hashlib.sha256(content).hexdigest()


def _table(path: Path) -> str:
    table = pyarrow.parquet.read_table(path).to_pandas()
    digest = hashlib.sha256(",".join(table.columns).encode())
    for name in table.columns:
        column = table[name]
        digest.update(
            "\n".join(map(str, column)).encode() if column.dtype.kind not in "fiu" else column.to_numpy().tobytes()
        )
    return digest.hexdigest()


def _volatile(name: str) -> bool:
    return name.startswith(_VOLATILE)


def _steady(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _steady(value) for key, value in data.items() if not _volatile(key)}
    return [_steady(value) for value in data] if isinstance(data, list) else data


def _first_difference(expected: Any, found: Any, where: str = "") -> str:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in [*expected, *found]:
            if expected.get(key) != found.get(key):
                return _first_difference(expected.get(key), found.get(key), f"{where}.{key}")
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            if one != other:
                return _first_difference(one, other, f"{where}[{index}]")
    return f"{where}: {str(expected)[:200]} became {str(found)[:200]}"
