"""What the rows of a plane are: a label, the name of each row, and the unit of the values, for pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.registry import Plane, code


@dataclass(frozen=True)
class RowScale:
    """The rows of a plane, from the first.

    Attributes
    ----------
    label
        What they are: ``"Frequency in Hz"``.
    names
        The name of each: ``"440"``.
    """

    label: str
    names: tuple[str, ...]


def in_hertz(frequencies: Iterable[float]) -> RowScale:
    """Return the scale of rows with centre ``frequencies`` in Hz."""
    return RowScale("Frequency in Hz", tuple(f"{frequency:.0f}" for frequency in frequencies))


def mel_scale(n_mels: int, sample_rate: int) -> RowScale:
    """Return the scale of ``n_mels`` bands of Slaney's mel scale up to half of ``sample_rate`` Hz."""
    from harness.features.filter_banks import mel_frequencies

    return in_hertz(mel_frequencies(n_mels + 2, sample_rate / 2)[1:-1])


def coefficients(count: int, derivatives: int = 0) -> RowScale:
    """Return the scale of ``count`` cepstral coefficients, followed by their ``derivatives``."""
    names = tuple(f"{'Δ' * order}{number}" for order in range(1 + derivatives) for number in range(count))
    return RowScale("Coefficient", names)


def row_scale(plane: Plane, options: Any, sample_rate: int, n_rows: int) -> RowScale:
    """Return what the rows of ``plane`` are; numbers, if it does not say so.

    Parameters
    ----------
    plane : Plane
        The plane.
    options : Section
        Its settings.
    sample_rate : int
        Sample rate of the clips, in Hz.
    n_rows : int
        Number of its rows.
    """
    if not plane.scale:
        return RowScale("Row", tuple(str(row) for row in range(n_rows)))
    scale: RowScale = code(plane.scale)(options, sample_rate)
    return scale
