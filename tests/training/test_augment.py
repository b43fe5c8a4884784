"""Each augmentation does what its field says, and leaves the others' draws alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.study import TrainSection
from harness.training.augment import Draws, EpochDraws, augmented

CPU = torch.device("cpu")
SHAPE = (1, 12, 9)


def draws(n: int = 400, seed: int = 1, **train: object) -> EpochDraws:
    return Draws(TrainSection(**train), n, SHAPE, seed, CPU).epoch()


def test_order_is_a_permutation_that_changes_every_epoch_and_follows_the_seed() -> None:
    source = Draws(TrainSection(), 50, SHAPE, 1, CPU)
    first, second = source.epoch().order, source.epoch().order
    assert sorted(first.tolist()) == list(range(50))
    assert not torch.equal(first, second)
    assert torch.equal(first, draws(50).order)
    assert not torch.equal(first, draws(50, seed=2).order)


def test_everything_is_off_by_default() -> None:
    off = draws()
    assert (off.gain, off.frame_masks, off.bin_masks, off.share) == (None, None, None, None)
    x, labels = torch.randn(5, *SHAPE), torch.arange(5)
    batch = augmented(x.clone(), labels, off, 0, 5)
    assert torch.equal(batch.x, x)
    assert batch.partners is None


def test_one_augmentation_does_not_move_another() -> None:
    alone = draws(gain=4)
    together = draws(gain=4, mixup=0.4, mask_frames=3, mask_bins=3)
    assert torch.equal(alone.order, together.order)
    assert torch.equal(alone.gain, together.gain)
    assert torch.equal(alone.order, draws().order)


def test_gain_is_a_whole_number_per_item() -> None:
    drawn = draws(gain=4)
    assert set(drawn.gain.tolist()) == {1.0, 2.0, 3.0, 4.0}
    x = torch.randn(400, *SHAPE)
    batch = augmented(x.clone(), torch.zeros(400, dtype=torch.long), drawn, 0, 400)
    assert torch.equal(batch.x, x * drawn.gain[:, None, None, None])


@pytest.mark.parametrize(("field", "axis", "size"), [("mask_bins", 2, 12), ("mask_frames", 3, 9)])
def test_masks_are_one_run_of_zeros_up_to_the_width(field: str, axis: int, size: int) -> None:
    drawn = draws(**{field: 4})
    x = augmented(torch.ones(400, *SHAPE), torch.zeros(400, dtype=torch.long), drawn, 0, 400).x
    other = 5 - axis
    assert torch.equal(x.amax(dim=other), x.amin(dim=other))  # the mask spans the other axis
    erased = x.amax(dim=other)[:, 0] == 0
    assert erased.shape == (400, size)
    assert set(erased.sum(dim=1).tolist()) == {0, 1, 2, 3, 4}
    # A run has one rise at most.
    padded = torch.nn.functional.pad(erased.int(), (1, 1))
    assert int((padded.diff(dim=1) == 1).sum(dim=1).max()) == 1
    assert erased.any(dim=0).all()  # the first and the last place are reached too


def test_a_mask_wider_than_the_input_is_cut_to_it() -> None:
    masks = draws(mask_frames=1000).frame_masks
    assert int(masks.min()) >= 0
    assert int(masks.max()) <= SHAPE[2]


def test_mixup_mixes_neighbours_by_their_share() -> None:
    drawn = draws(mixup=0.4)
    assert 0.5 <= float(drawn.share.min()) <= float(drawn.share.max()) <= 1
    x, labels = torch.randn(6, *SHAPE), torch.arange(6)
    batch = augmented(x.clone(), labels, drawn, 10, 16)
    share = drawn.share[10:16]
    assert torch.equal(batch.share, share)
    assert batch.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert batch.partners.tolist() == [5, 0, 1, 2, 3, 4]
    for item, partner in enumerate([5, 0, 1, 2, 3, 4]):
        expected = share[item] * x[item] + (1 - share[item]) * x[partner]
        assert torch.allclose(batch.x[item], expected, atol=1e-6)


def test_mixup_shares_are_folded_beta() -> None:
    share = draws(n=20000, mixup=0.5).share.numpy()
    reference = np.random.default_rng(0).beta(0.5, 0.5, 20000)
    assert share.mean() == pytest.approx(np.maximum(reference, 1 - reference).mean(), abs=0.01)


def test_channels_last_survives() -> None:
    drawn = draws(gain=3, mixup=0.4, mask_frames=3, mask_bins=3)
    x = torch.randn(8, 3, 12, 9).contiguous(memory_format=torch.channels_last)
    batch = augmented(x, torch.arange(8), drawn, 0, 8)
    assert batch.x.is_contiguous(memory_format=torch.channels_last)
