"""Losses, augmentations and optimisers of the user's own code, called as ``train.loss``, ``train.augment`` and
``train.optimizer`` document."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn import functional as F

from harness import own_code
from harness.errors import StudyError


def own_loss(
    reference: str, logits_BC: Tensor, labels_B: Tensor, partners_B: Tensor | None, share_B: Tensor | None
) -> Tensor:
    """Return the mean loss of a batch, a scalar, in float32.

    Parameters
    ----------
    reference : str
        ``"module:function"``.
    logits_BC : Tensor, shape (B, C)
        Outputs of the network.
    labels_B : Tensor of int64, shape (B,)
        Their labels.
    partners_B, share_B : Tensor, shape (B,), optional
        Under mixup each partner's label, and the item's own share.

    Raises
    ------
    StudyError
        When the code fails, or returns no scalar with a gradient.
    """
    targets = labels_B
    if partners_B is not None and share_B is not None:
        own, other = (F.one_hot(labels, logits_BC.shape[1]).float() for labels in (labels_B, partners_B))
        targets = torch.lerp(other, own, share_B[:, None])
    loss = own_code.call(reference, "train.loss", logits_BC, targets)
    if not isinstance(loss, Tensor) or loss.ndim or not loss.requires_grad:
        received = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise StudyError(f"train.loss = {reference!r}: expected a scalar tensor with a gradient, received {received}")
    return loss.float()


def own_augmentation(reference: str, x_BCHW: Tensor) -> Tensor:
    """Return the augmented batch, same shape.

    Raises
    ------
    StudyError
        When the code fails, or returns another shape.
    """
    changed = own_code.call(reference, "train.augment", x_BCHW)
    if not isinstance(changed, Tensor) or changed.shape != x_BCHW.shape:
        received = tuple(changed.shape) if isinstance(changed, Tensor) else f"a {type(changed).__name__}"
        raise StudyError(f"train.augment: {reference!r} returned {received}, expected the shape {tuple(x_BCHW.shape)}")
    return changed


def own_optimizer(
    reference: str, parameters: Iterable[Parameter], lr: float | Tensor, weight_decay: float
) -> torch.optim.Optimizer:
    """Return the optimiser over ``parameters``.

    Parameters
    ----------
    reference : str
        ``"module:factory"``.
    parameters : iterable of Parameter
        What it changes.
    lr : float or Tensor
        Learning rate.
    weight_decay : float
        L2 coefficient.

    Raises
    ------
    StudyError
        When the code fails, or returns no optimiser.
    """
    made = own_code.call(reference, "train.optimizer", list(parameters), lr=float(lr), weight_decay=weight_decay)
    if not isinstance(made, torch.optim.Optimizer):
        raise StudyError(
            f"train.optimizer = {reference!r}: expected a torch.optim.Optimizer, received a {type(made).__name__}"
        )
    return made
