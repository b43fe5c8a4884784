"""The 4-, 6- and 8-layer convolutional networks of Su et al. 2019 (section 3.2, figure 4, table 1).

Tensors carry their shape in their name: B items, C channels, H rows (frequency bins), W columns (frames). The output
is logits; the softmax of the paper is part of the loss and of the evaluation.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from harness.models.dropout import Dropout
from harness.models.linear import Linear
from harness.models.networks.su2019 import CHANNELS, FC_UNITS

# The layer after which the paper is ambiguous.
AMBIGUOUS = 4


def conv_layers(
    first: int, last: int, in_channels: int, *, conv4: str = "pool", dropout: float = 0.5
) -> OrderedDict[str, nn.Module]:
    """Return convolution layers ``first`` to ``last`` by name, in order.

    Each is a 3 x 3 convolution without bias, batch normalisation and ReLU; every second one is followed by a 2 x 2 max
    pool that rounds up, and by dropout (table 1, figure 4). The paper names dropout at layers 2 and 4 (6- and 8-layer
    nets: 6 and 8 too) without a position within the layer; here it comes last, after the pool.

    Parameters
    ----------
    first, last : int
        Numbers of the first and last layer, counted from 1.
    in_channels : int
        Channels of layer ``first``'s input.
    conv4 : str
        ``"pool"``: stride 1 and a pool after it. ``"stride"``: stride 2 and no pool. Both give the same shapes.
    dropout : float
        Probability that an element is dropped.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number in range(first, last + 1):
        strided = conv4 == "stride" and number == AMBIGUOUS
        out_channels = CHANNELS[number - 1]
        layers[f"conv{number}"] = nn.Conv2d(
            in_channels, out_channels, kernel_size=3, stride=2 if strided else 1, padding=1, bias=False
        )
        layers[f"norm{number}"] = nn.BatchNorm2d(out_channels)
        layers[f"relu{number}"] = nn.ReLU(inplace=True)
        if number % 2 == 0:
            if not strided:
                layers[f"pool{number}"] = nn.MaxPool2d(2, ceil_mode=True)
            layers[f"dropout{number}"] = Dropout(dropout)
        in_channels = out_channels
    return layers


def head_layers(in_features: int, n_classes: int, *, dropout: float = 0.5) -> OrderedDict[str, nn.Module]:
    """Return the fully connected layer of 1,024 sigmoid units, its dropout and the output layer, by name."""
    return OrderedDict(
        flatten=nn.Flatten(),
        fc=Linear(in_features, FC_UNITS),
        sigmoid=nn.Sigmoid(),
        dropout_fc=Dropout(dropout),
        output=nn.Linear(FC_UNITS, n_classes),
    )


def map_size(size: int, n_layers: int) -> int:
    """Return the rows or columns that ``n_layers`` leave of ``size``: halved, rounding up, after every second layer."""
    for _ in range(n_layers // 2):
        size = -(-size // 2)
    return size


def fc_inputs(n_layers: int, rows: int, columns: int) -> int:
    """Return the inputs of FC-1024: channels x rows x columns of the last feature map."""
    return CHANNELS[n_layers - 1] * map_size(rows, n_layers) * map_size(columns, n_layers)


class SuNet(nn.Sequential):
    """The ``n_layers`` network of Su et al. 2019: x_BCHW to logits, shape (B, n_classes).

    The layers are not nested (``conv1``, ``norm1``, ... ``fc``, ``output``), so that parameter names read like table 1.

    Parameters
    ----------
    n_layers : int
        Number of convolutions: 4, 6 or 8.
    input_shape : (int, int, int)
        Channels, rows and columns of one item; the paper's LMC and MC are (1, 85, 41).
    n_classes : int
        Number of logits.
    conv4 : str
        How layer 4 halves its maps, ``"pool"`` or ``"stride"``; see :func:`conv_layers`.
    dropout : float
        Probability that an element is dropped.
    """

    def __init__(
        self,
        n_layers: int,
        input_shape: tuple[int, int, int],
        n_classes: int,
        *,
        conv4: str = "pool",
        dropout: float = 0.5,
    ) -> None:
        channels, rows, columns = input_shape
        layers = conv_layers(1, n_layers, channels, conv4=conv4, dropout=dropout)
        layers.update(head_layers(fc_inputs(n_layers, rows, columns), n_classes, dropout=dropout))
        super().__init__(layers)
