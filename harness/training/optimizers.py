"""Torch's fused optimisers, without their decorators for ``torch.compile``.

Torch decorates the methods of its optimisers so that ``torch.compile`` leaves them alone. The first call of one imports
the compiler (``torch._dynamo``, ``torch._inductor``, sympy) in each process, which takes more CPU time than training a
small study, and no public switch prevents it. Nothing is compiled here, so the classes below have the undecorated
methods. Their results are bit-identical.
"""

from __future__ import annotations

from inspect import unwrap

import torch
from torch import Tensor, nn

from harness.choices import Optimizer
from harness.registry import is_reference
from harness.study import TrainSection
from harness.training.own_parts import own_optimizer


class _Uncompiled(torch.optim.Optimizer):
    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)


class _SGD(_Uncompiled, torch.optim.SGD):
    step = torch.no_grad()(unwrap(torch.optim.SGD.step))


class _Adam(_Uncompiled, torch.optim.Adam):
    step = torch.no_grad()(unwrap(torch.optim.Adam.step))


class _AdamW(_Uncompiled, torch.optim.AdamW):
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


def fused_optimizer(
    model: nn.Module, train: TrainSection, lr: float | Tensor, *, capturable: bool = False
) -> torch.optim.Optimizer:
    """Return the study's optimiser over all parameters, in torch's fused form unless it is the user's own code.

    Parameters
    ----------
    model : nn.Module
        The network, already on its device.
    train : TrainSection
        Optimiser, momentum and weight decay.
    lr : float or Tensor
        Learning rate; a CUDA graph must read it from a tensor on its device.
    capturable : bool
        Whether the step is to be recorded in a CUDA graph.
    """
    parameters, decay = model.parameters(), train.weight_decay
    if is_reference(train.optimizer):
        return own_optimizer(train.optimizer, parameters, lr, decay)
    if train.optimizer == Optimizer.ADAM:
        return _Adam(parameters, lr=lr, weight_decay=decay, fused=True, capturable=capturable)
    if train.optimizer == Optimizer.ADAMW:
        return _AdamW(parameters, lr=lr, weight_decay=decay, fused=True, capturable=capturable)
    # SGD has no such switch: its fused form can always be recorded.
    return _SGD(parameters, lr=lr, momentum=train.momentum, weight_decay=decay, fused=True)
