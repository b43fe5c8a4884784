"""The learning rate of each epoch."""

from __future__ import annotations

import math

from harness.choices import Schedule
from harness.study import TrainSection


def learning_rate(train: TrainSection, epoch: int) -> float:
    """Return the rate of ``epoch``, counted from 1.

    ``step``: multiplied by gamma after each milestone (a milestone of 40 takes effect in epoch 41, as in torch's
    MultiStepLR). ``cosine``: half a cosine from the full rate in epoch 1 towards zero after the last epoch (Loshchilov
    and Hutter 2017, equation 5, without restarts).
    """
    if train.schedule == Schedule.STEP:
        return train.lr * train.gamma ** sum(milestone < epoch for milestone in train.milestones)
    if train.schedule == Schedule.COSINE:
        return train.lr * (1 + math.cos(math.pi * (epoch - 1) / train.epochs)) / 2
    return train.lr
