"""Layer tables of networks by name, for programs that train nothing.

Torch takes half a gigabyte and seconds to load. A report needs it only to build and describe networks, so where it is
not loaded already another process does this, once for all networks that it is asked for.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from harness.terminal.printing import say

if TYPE_CHECKING:
    from harness.study import ModelSection

COLUMNS = ("layer", "output", "weights", "activations")


@dataclass(frozen=True)
class NamedNetwork:
    """A network of the registry and the items it is for; the parameters of
    :func:`harness.models.build.build_model`."""

    model_name: str
    model: ModelSection
    input_shape: tuple[int, int, int]
    n_classes: int
    plane_rows: Mapping[str, slice] | None = None


def layer_table(network: NamedNetwork) -> pd.DataFrame:
    """Return the layers of ``network`` with fresh weights, as :func:`harness.models.describe.describe_model` does.

    Raises
    ------
    ValueError, StudyError
        As :func:`harness.models.build.build_model`.
    """
    rows = None if "torch" in sys.modules else _Other.rows_of(network)
    # What fails there fails here again, with its own error.
    return _described(network) if rows is None else pd.DataFrame(rows, columns=list(COLUMNS))


def _described(network: NamedNetwork) -> pd.DataFrame:
    from harness.models.build import build_model
    from harness.models.describe import describe_model

    model = build_model(network.model_name, network.model, network.input_shape, network.n_classes, network.plane_rows)
    return describe_model(model, network.input_shape)


class _Other:
    """The process that has torch. It ends with this one, which closes its input."""

    running: subprocess.Popen[str] | None = None

    @classmethod
    def rows_of(cls, network: NamedNetwork) -> list[list[Any]] | None:
        """Return the rows of the table of layers; None if that process cannot make it."""
        if cls.running is None:
            cls.running = subprocess.Popen(
                # -P: a file in the current folder must not take the place of a library.
                [sys.executable, "-P", "-m", "harness.models.layers"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            atexit.register(cls.end)
        assert cls.running.stdin is not None
        assert cls.running.stdout is not None
        # It may be gone, or a library may have printed something.
        with suppress(OSError, ValueError):
            cls.running.stdin.write(_written(network) + "\n")
            cls.running.stdin.flush()
            if answer := cls.running.stdout.readline():
                rows: list[list[Any]] | None = json.loads(answer)
                return rows
        return None

    @classmethod
    def end(cls) -> None:
        """End the process, if it runs."""
        running, cls.running = cls.running, None
        if running is not None:
            with suppress(OSError):
                running.communicate()


def _written(network: NamedNetwork) -> str:
    rows = network.plane_rows
    return json.dumps(
        {
            "model_name": network.model_name,
            "model": network.model.model_dump(mode="json"),
            "input_shape": network.input_shape,
            "n_classes": network.n_classes,
            "plane_rows": None if rows is None else {name: [row.start, row.stop] for name, row in rows.items()},
        }
    )


def _read(line: str) -> NamedNetwork:
    from harness.study import ModelSection

    given = json.loads(line)
    rows = given["plane_rows"]
    return NamedNetwork(
        given["model_name"],
        ModelSection.model_validate(given["model"]),
        tuple(given["input_shape"]),
        given["n_classes"],
        None if rows is None else {name: slice(*row) for name, row in rows.items()},
    )


def _answer(lines: Iterable[str]) -> None:
    """Write the rows of each network that ``lines`` describe, or null."""
    for line in lines:
        rows = None
        with suppress(Exception):
            rows = _described(_read(line)).to_numpy(object).tolist()
        say(json.dumps(rows))


if __name__ == "__main__":
    _answer(sys.stdin)
