"""Conformance tests of planes.

Examples
--------
>>> class TestMyPlane(PlaneConformance):
...     plane = "my-plane"
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from harness.features.audio import Samples, exactly
from harness.features.compute import laid_out, prepared
from harness.features.sets import LaidOut, frames_of, minimum_samples
from harness.features.waves import Waves
from harness.registry import PLANES, Layout, code, has_own_frames, options_of
from harness.section import Section
from harness.study import FeaturesSection

SECONDS = 1.0


class PlaneConformance:
    """Tests of one plane; a subclass names it.

    Attributes
    ----------
    plane
        Its name in the registry.
    tolerance
        How far a clip's values may be from those of the clip in a batch with others; sums may have another order.
    """

    plane: ClassVar[str]
    tolerance: ClassVar[float] = 1e-4

    def options(self) -> Section:
        """Return the options to test with: the defaults."""
        return options_of(PLANES.get(self.plane))()

    def params(self) -> FeaturesSection:
        """Return the features of a study that states these options."""
        return FeaturesSection.model_validate({"planes": {self.plane: self.options()}})

    def clips(self) -> dict[str, Samples]:
        """Return clips of one length, float32, shape (N,) each: noise, tones, a click, silence, full scale."""
        rate, _ = frames_of(self.plane, self.params())
        n = round(SECONDS * rate)
        time = np.arange(n) / rate
        noise = np.random.default_rng(0).standard_normal(n)
        click = np.zeros(n)
        click[n // 3] = 1.0
        made = {
            "noise": 0.1 * noise,
            "quiet noise": 1e-6 * noise,
            "tone": 0.5 * np.sin(2 * np.pi * 440 * time),
            "tone, then silence": np.where(time < SECONDS / 2, np.sin(2 * np.pi * 331 * time), 0.0),
            "click": click,
            "silence": np.zeros(n),
            "full scale": np.sign(noise),
        }
        return {name: samples.astype(np.float32) for name, samples in made.items()}

    def compute(self, *clips: Samples) -> Tensor:
        """Return the plane of clips of one length, shape (B, frames, rows)."""
        values: Tensor = code(PLANES.get(self.plane).compute)(self._waves(clips), self.options())
        return values

    def test_it_has_defaults_for_its_options(self) -> None:
        """A study need not state options; stating the defaults changes nothing."""
        kind = options_of(PLANES.get(self.plane))
        assert FeaturesSection.model_validate({"planes": {self.plane: kind().model_dump()}}).of(self.plane) == kind()

    def test_it_has_the_rows_it_states_and_a_frame_for_each_hop(self) -> None:
        """B clips give B planes of float32, each with the stated rows; those to be stacked have the study's frames."""
        clips = [*self.clips().values()]
        values, waves = self.compute(*clips), self._waves(clips)
        assert values.is_floating_point()
        assert values.ndim == 3
        assert values.shape[0] == len(clips)
        assert values.shape[2] == code(PLANES.get(self.plane).rows)(self.options())
        if not has_own_frames(PLANES.get(self.plane)):
            assert values.shape[1] == waves.n_frames

    def test_it_is_finite_whatever_the_sound(self) -> None:
        """Silence, clicks and clipped sounds give neither NaN nor infinity."""
        for name, samples in self.clips().items():
            assert self.compute(samples).isfinite().all(), name

    def test_it_takes_the_shortest_clip(self) -> None:
        """A file of one sample, padded with silence to one segment or to an image's excerpt, also gives finite
        values."""
        params = self.params()
        rate, _ = frames_of(self.plane, params)
        image = has_own_frames(PLANES.get(self.plane))
        n = round(params.image.seconds * rate) if image else minimum_samples(params)
        assert self.compute(exactly(np.ones(1, np.float32), n)).isfinite().all()

    def test_it_tells_sounds_apart(self) -> None:
        """Noise and a tone have different values."""
        clips = self.clips()
        assert not torch.equal(self.compute(clips["noise"]), self.compute(clips["tone"]))

    def test_it_is_the_same_every_time(self) -> None:
        """The same clips give the same bits."""
        clips = [*self.clips().values()]
        assert torch.equal(self.compute(*clips), self.compute(*clips))

    def test_it_leaves_what_other_planes_share_as_it_was(self) -> None:
        """Neither the waveforms nor the spectra are modified."""
        waves = self._waves([*self.clips().values()])
        n_fft = getattr(self.options(), "n_fft", 1024)
        shared = (waves.samples, waves.spectrum(n_fft).magnitude, waves.spectrum(n_fft).power)
        before = [tensor.clone() for tensor in shared]
        code(PLANES.get(self.plane).compute)(waves, self.options())
        assert all(torch.equal(tensor, copy) for tensor, copy in zip(shared, before, strict=True))

    def test_a_clip_in_a_batch_is_the_clip_alone(self) -> None:
        """A clip's values do not depend on the rest of the batch, within the tolerance."""
        clips = self.clips()
        for (name, samples), values in zip(clips.items(), self.compute(*clips.values()), strict=True):
            apart = float((self.compute(samples)[0] - values).abs().max())
            assert apart <= self.tolerance, name

    def test_it_can_be_laid_out(self) -> None:
        """It becomes the channel of an image and, unless it has its own frames, rows of a stack, in float32."""
        params = self.params()
        clips = [*self.clips().values()]
        layouts = [Layout.IMAGE] if has_own_frames(PLANES.get(self.plane)) else [*Layout]
        for layout in layouts:
            values = laid_out(LaidOut(layout, self.plane), self._waves(clips), params)
            assert values.dtype == torch.float32
            assert values.isfinite().all()
            if layout is Layout.IMAGE:
                assert values.shape == (len(clips), params.image.rows, params.image.columns)

    def _waves(self, clips: Sequence[Samples]) -> Waves:
        params = self.params()
        rate, hop = frames_of(self.plane, params)
        return Waves([prepared(samples, rate, hop, [self.plane], params) for samples in clips], rate, hop)
