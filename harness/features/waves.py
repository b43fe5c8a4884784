"""The input of planes: clips of one length, as one tensor on the device.

A plane receives waveforms, shape (B, N), and their sample rate, and returns a tensor, shape (B, frames, rows).

Examples
--------
>>> def compute(waves, options):
...     return waves.spectrum(options.n_fft).magnitude.log1p()
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from harness.features.audio import Samples
from harness.features.spectrum import Spectrum, spectrum

T = TypeVar("T")


@dataclass(frozen=True)
class Stretch:
    """A clip, or its excerpt for images, on the host.

    Attributes
    ----------
    samples
        At the rate of the planes that are computed from it, shape (N,).
    prepared
        Results of the planes' ``prepare`` functions on the host, by the plane's name.
    """

    samples: Samples
    prepared: Mapping[str, Any] = field(default_factory=dict)


class Waves:
    """Clips of one length, B of them, and intermediate results that several planes share.

    Parameters
    ----------
    stretches : sequence of Stretch
        The clips, all with the same number of samples N.
    sample_rate : int
        In Hz.
    hop_length : int
        Samples between frames. Planes to be stacked have 1 + N // hop_length frames, centred on multiples of it.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"cuda:N"``: where :attr:`samples` is and planes are computed.
    """

    def __init__(self, stretches: Sequence[Stretch], sample_rate: int, hop_length: int, device: str = "cpu") -> None:
        self.sample_rate = sample_rate
        self.hop_length = hop_length
        self.device = device
        self._stretches = stretches
        self._made: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        """Return the number of clips, B."""
        return len(self._stretches)

    @property
    def n_frames(self) -> int:
        """Number of frames of a plane to be stacked."""
        return 1 + len(self._stretches[0].samples) // self.hop_length

    @cached_property
    def samples(self) -> Tensor:
        """The waveforms on the device, float32, full scale at 1.0, shape (B, N)."""
        return torch.from_numpy(np.stack([stretch.samples for stretch in self._stretches])).to(self.device)

    @cached_property
    def prepared(self) -> dict[str, list[Any]]:
        """What each plane's ``prepare`` function returned for each clip, by the plane's name."""
        names = self._stretches[0].prepared
        return {name: [stretch.prepared[name] for stretch in self._stretches] for name in names}

    def under(self, name: str, plane: str) -> Waves:
        """Return these clips with what was prepared for ``name``, a study's own set of ``plane``, under the name of the
        plane."""
        if name == plane or name not in self._stretches[0].prepared:
            return self
        view = copy(self)
        view.prepared = {plane: self.prepared[name]}
        return view

    def spectrum(self, n_fft: int) -> Spectrum:
        """Return the magnitude spectrogram with a Hann window of ``n_fft`` samples, computed once for all planes."""
        return self.once(("spectrum", n_fft), lambda: spectrum(self.samples, self.sample_rate, n_fft, self.hop_length))

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` returns, calling it only the first time for each ``key``; for values that planes
        share."""
        if key not in self._made:
            self._made[key] = make()
        return cast(T, self._made[key])
