"""The random part of an epoch: order, gain, masks and mixup.

Everything is drawn on the host at the start of an epoch, from a separate generator for each use, and moved to the
device at once. So no step waits for a random number, the draws are the same on every device, and enabling one
augmentation does not change the draws of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.choices import Precision
from harness.training.own_parts import own_augmentation
from harness.training.seeding import fold_seed

if TYPE_CHECKING:
    from harness.study import TrainSection


@dataclass(frozen=True)
class EpochDraws:
    """The draws of one epoch; row i belongs to the i-th item trained on. None where an augmentation is off.

    Attributes
    ----------
    order
        Position within the part's items, int64, shape (N,).
    gain
        Factor, float32, shape (N,).
    frame_masks, bin_masks
        First masked column or row and the one after the last, int64, shape (N, 2).
    share
        Mixup's weight of the item itself, float32 in [0.5, 1], shape (N,).
    """

    order: Tensor
    gain: Tensor | None = None
    frame_masks: Tensor | None = None
    bin_masks: Tensor | None = None
    share: Tensor | None = None


@dataclass(frozen=True)
class Batch:
    """One step's input: x_BCHW, its labels (B,), and under mixup each partner's label and the item's own share."""

    x: Tensor
    labels: Tensor
    partners: Tensor | None = None
    share: Tensor | None = None


class Draws:
    """The random generators of one training; :meth:`epoch` draws one epoch after the other.

    Parameters
    ----------
    train : TrainSection
        Which augmentations to draw for, and their settings.
    n_items : int
        Number of training items.
    input_shape : (int, int, int)
        Channels, rows and columns of one item.
    seed : int
        Seed of the training.
    device : torch.device
        Where the draws are placed; they are drawn on the CPU.
    """

    def __init__(
        self, train: TrainSection, n_items: int, input_shape: tuple[int, int, int], seed: int, device: torch.device
    ) -> None:
        self._train = train
        self._n = n_items
        self._rows, self._columns = input_shape[1:]
        self._device = device
        names = ("order", "gain", "frames", "bins", "mixup")
        self._rng = {name: np.random.default_rng(fold_seed(seed, name)) for name in names}

    def epoch(self) -> EpochDraws:
        """Return the next epoch's draws, on the device."""
        train, rng, n = self._train, self._rng, self._n
        return EpochDraws(
            order=self._place(rng["order"].permutation(n)),
            gain=self._place(rng["gain"].integers(1, train.gain + 1, n).astype(np.float32)) if train.gain > 1 else None,
            frame_masks=self._masks("frames", train.mask_frames, self._columns) if train.mask_frames else None,
            bin_masks=self._masks("bins", train.mask_bins, self._rows) if train.mask_bins else None,
            share=self._place(_shares(rng["mixup"], train.mixup, n)) if train.mixup else None,
        )

    def _masks(self, name: str, widest: int, size: int) -> Tensor:
        """Draw width 0..widest and start 0..size - width, both uniform (Park et al. 2019, section 2)."""
        rng = self._rng[name]
        width = rng.integers(0, min(widest, size) + 1, self._n)
        start = rng.integers(0, size - width + 1)
        return self._place(np.stack([start, start + width], axis=1))

    def _place(self, values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(values).to(self._device)


def _shares(rng: np.random.Generator, alpha: float, n: int) -> NDArray[np.float32]:
    """Draw mixup's weights from Beta(alpha, alpha) (Zhang et al. 2018).

    The larger of the weight and its complement goes to the item itself. Pairs are random, so the distribution of
    mixtures is unchanged, and the item's own label keeps the larger weight, which the training accuracy relies on.
    """
    weight = rng.beta(alpha, alpha, n)
    return np.maximum(weight, 1 - weight).astype(np.float32)


def keeps_rounding(train: TrainSection) -> bool:
    """Return whether inputs may be rounded to bfloat16 before they are gathered: the same numbers, to the bit.

    Under ``precision = "bfloat16"`` autocast rounds each batch before the first convolution, and a mask's 0 is exact.
    Gain, mixup and the user's own augmentations calculate with the float32 inputs, so theirs must not be rounded first.
    """
    return train.precision == Precision.BFLOAT16 and train.gain == 1 and not train.mixup and not train.augment


def augmented(
    x_BCHW: Tensor, labels_B: Tensor, draws: EpochDraws, start: int, stop: int, own: Sequence[str] = ()
) -> Batch:
    """Return the batch of items ``start`` to ``stop`` of the epoch, with gain, masks, the user's own augmentations and
    mixup applied in this order.

    Masks are filled with 0, the training mean of normalised inputs. The item's mixup partner is its neighbour in the
    batch.

    Parameters
    ----------
    x_BCHW : Tensor, shape (B, C, H, W)
        The batch's normalised inputs; may be changed in place.
    labels_B : Tensor of int64, shape (B,)
        Their labels.
    draws : EpochDraws
        The draws of the epoch.
    start, stop : int
        Positions of the batch within the epoch.
    own : sequence of str
        References of the user's own augmentations.
    """
    if draws.gain is not None:
        x_BCHW.mul_(draws.gain[start:stop, None, None, None])
    if draws.bin_masks is not None:
        x_BCHW.masked_fill_(_inside(draws.bin_masks[start:stop], x_BCHW.shape[2])[:, None, :, None], 0.0)
    if draws.frame_masks is not None:
        x_BCHW.masked_fill_(_inside(draws.frame_masks[start:stop], x_BCHW.shape[3])[:, None, None, :], 0.0)
    for reference in own:
        x_BCHW = own_augmentation(reference, x_BCHW)
    if draws.share is None:
        return Batch(x_BCHW, labels_B)
    share = draws.share[start:stop]
    mixed = torch.lerp(x_BCHW.roll(1, dims=0), x_BCHW, share[:, None, None, None])
    return Batch(mixed, labels_B, labels_B.roll(1), share)


def _inside(bounds_B2: Tensor, size: int) -> Tensor:
    """Return which of ``size`` positions are within each item's bounds, bool, shape (B, size)."""
    places = torch.arange(size, device=bounds_B2.device)
    return (places >= bounds_B2[:, :1]) & (places < bounds_B2[:, 1:])
