"""Images: resized without a shift, from an excerpt of the clip's first seconds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.features.image import excerpt, resize


def test_resizing_keeps_constants_and_order() -> None:
    torch.testing.assert_close(resize(torch.full((2, 513, 517), 3.0), 128, 128), torch.full((2, 128, 128), 3.0))
    ramp = resize(torch.arange(7.0)[:, None].expand(1, 7, 130), 128, 128)[0]
    assert ramp.dtype == torch.float32
    assert (ramp[1:] >= ramp[:-1]).all()
    # Corners are not aligned: output row r looks at input row (r + 0.5) * 7 / 128 - 0.5.
    assert ramp[64, 0] == pytest.approx(64.5 * 7 / 128 - 0.5, abs=1e-5)


def test_shrinking_averages_what_it_skips() -> None:
    # Every fourth row is 1: interpolation between two neighbours would miss it.
    stripes = torch.tensor([0.0, 0.0, 0.0, 1.0]).repeat(128)[:, None].expand(512, 128)
    torch.testing.assert_close(resize(stripes[None], 128, 128)[0, 2:-2], torch.full((124, 128), 0.25))


def test_the_excerpt_is_cut_or_padded() -> None:
    assert excerpt(np.ones(100, np.float32), 10, 3.0).tolist() == [1.0] * 30
    assert excerpt(np.ones(10, np.float32), 10, 1.5).tolist() == [1.0] * 10 + [0.0] * 5
