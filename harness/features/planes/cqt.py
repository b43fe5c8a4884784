"""CQT: magnitude of the constant-Q transform in dB, filters at equal intervals of pitch.

Source: J. C. Brown, "Calculation of a constant Q spectral transform", JASA 89(1), 1991; computed as by C. Schörkhuber,
A. Klapuri, "Constant-Q transform toolbox for music processing", 2010 (:mod:`harness.features.constant_q`). Reference:
``librosa.cqt`` with its defaults (equal temperament, A4 = 440 Hz) and ``librosa.amplitude_to_db``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from harness.features.row_scale import RowScale, in_hertz
from harness.registry import Plane, register
from harness.section import Most, Positive, Rate, Section

if TYPE_CHECKING:
    from torch import Tensor

    from harness.features.waves import Waves


class CqtOptions(Section):
    """Settings of CQT."""

    bins_per_octave: Annotated[Annotated[int, Field(ge=2)], Most(192, "a resolution of 1/16 semitone")] = 12
    """Filters of an octave."""
    octaves: Annotated[Positive, Most(16, "human hearing spans about 10")] = 7
    """Octaves."""
    fmin: Annotated[Rate, Most(384_000, "Hz, half the highest sample rate")] = 440.0 * 2.0 ** (-45 / 12)
    """Centre frequency of the lowest filter in Hz; C1 by default."""


def rows(options: CqtOptions) -> int:
    """Return the number of filters."""
    return options.bins_per_octave * options.octaves


def scale(options: CqtOptions, _sample_rate: int) -> RowScale:
    """Return the centre frequencies of the filters."""
    return in_hertz(options.fmin * 2.0 ** (row / options.bins_per_octave) for row in range(rows(options)))


def compute(waves: Waves, options: CqtOptions) -> Tensor:
    """Return magnitudes in dB, at most 80 dB below the clip's maximum; shape (B, T, bins_per_octave * octaves).

    Raises FeatureError when the highest filter is above half the sample rate, or the clips are too short.
    """
    from harness.features.constant_q import Filters, OctaveSignals, constant_q
    from harness.features.spectrum import power_to_db

    remedy = ", or lower fmin or octaves of features.planes.CQT"
    filters = Filters("CQT", options.fmin, options.bins_per_octave, options.octaves, remedy)
    rate, hop = waves.sample_rate, waves.hop_length
    clips = [OctaveSignals(samples, rate, hop, filters) for samples in waves.samples.cpu().numpy()]
    return power_to_db(constant_q(clips, filters, rate, hop, waves.device).square())


register(
    Plane(
        name="CQT",
        compute=f"{__name__}:compute",
        rows=f"{__name__}:rows",
        scale="harness.features.planes.cqt:scale",
        unit="dB",
        options=f"{__name__}:CqtOptions",
        # The filters come from numpy's Fourier transform.
        libraries=("numpy",),
    )
)
