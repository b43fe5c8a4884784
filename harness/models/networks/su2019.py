"""The networks of Su et al. 2019 (section 3.2, tables 1 and 6): 4, 6 and 8 convolutions, plain and stacked."""

from __future__ import annotations

from harness.choices import Choice
from harness.registry import Layout, Network, register
from harness.section import Fraction, Section

DEPTHS = (4, 6, 8)
CHANNELS = (32, 32, 64, 64, 128, 128, 256, 256)
"""Output channels of each convolution."""
FC_UNITS = 1024


class Conv4(Choice):
    """The step after conv4."""

    POOL = "pool"
    STRIDE = "stride"


class SuOptions(Section):
    """What Su et al. 2019 leave open."""

    conv4: Conv4 = Conv4.POOL
    """The step after conv4: a 2 x 2 pool after a stride-1 convolution (agrees with the paper's memory column), or a
    stride-2 convolution and no pool."""
    dropout: Fraction = 0.5
    """Probability of dropping in the layers the paper names."""


def first_fc(stride: int, size: tuple[int, int], n_layers: int) -> tuple[int, int]:
    """Return the number of convolutions and the weights of the first fully connected layer if they had ``stride``.

    Parameters
    ----------
    stride
        Stride of each convolution, at least 1.
    size
        Rows and columns of the input.
    n_layers
        Convolutions: 4, 6 or 8.
    """
    rows, columns = size
    for layer in range(1, n_layers + 1):
        # A 3 x 3 convolution with a padding of 1, and after every second one a pool, which also rounds up.
        for step in (stride, 2) if layer % 2 == 0 else (stride,):
            rows, columns = -(-rows // step), -(-columns // step)
    return n_layers, CHANNELS[n_layers - 1] * rows * columns * FC_UNITS


register(
    *(
        Network(
            name=f"su{depth}",
            build="harness.models.su:SuNet",
            layouts=(Layout.SEGMENTS,),
            arguments=(("n_layers", depth),),
            options="harness.models.networks.su2019:SuOptions",
            first_fc="harness.models.networks.su2019:first_fc",
        )
        for depth in DEPTHS
    ),
    *(
        Network(
            name=f"su{depth}-stacked",
            build="harness.models.stacked:StackedSuNet",
            layouts=(Layout.SEGMENTS,),
            arguments=(("n_layers", depth),),
            options="harness.models.networks.su2019:SuOptions",
            # It contains both streams of TSCNN-DS: it cuts LMC and MC out of the rows of MLMC.
            features="MLMC",
            takes_rows=True,
        )
        for depth in DEPTHS
    ),
)
