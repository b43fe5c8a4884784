"""Dropout with p = 1/2 from single random bits, for the CPU.

torch draws a 32-bit number for every element sequentially and accesses channels-last maps with strides, which takes
about a tenth of a bfloat16 training step of Su et al.'s networks. A fair coin needs one bit: a draw of 64 bits serves
64 elements, and each of its bytes selects eight factors from a table.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """``nn.Dropout``: each element is zero with probability p, else divided by 1 - p; the identity in evaluation.

    The distribution is the same, the random numbers are different. On a GPU, for p other than 1/2, and for
    non-contiguous tensors torch's own dropout is used.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with about half of its elements zeroed and the others doubled, in training."""
        if not self.training or self.p != 0.5 or self.inplace or x.device.type != "cpu" or not _dense(x):
            return super().forward(x)
        # One factor per element, in the elements' order in memory.
        words = torch.empty((x.numel() + 63) // 64, dtype=torch.int64).random_(-(2**63), None)
        factors = _factors(x.dtype).index_select(0, words.view(torch.uint8).int()).view(-1)
        return x * factors.as_strided(x.size(), x.stride())


def _dense(x: Tensor) -> bool:
    return x.is_contiguous() or (x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last))


@cache
def _factors(dtype: torch.dtype) -> Tensor:
    """Return, for every byte, the factors 0 and 2 that its bits represent; shape (256, 8)."""
    bits = torch.arange(256)[:, None] >> torch.arange(8) & 1
    return (2 * bits).to(dtype)
