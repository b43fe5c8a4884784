"""The stacked two-stream CNN of Su et al. 2019 (table 6): both streams of TSCNN-DS joined inside one network.

Each stream has its own first two convolutions; their feature maps are concatenated along channels, and the remaining
convolutions and the fully connected layers follow.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from harness.models.networks.su2019 import CHANNELS
from harness.models.su import conv_layers, fc_inputs, head_layers

CST = ("chroma", "contrast", "tonnetz")
STREAMS = (("LM", *CST), ("MFCC", *CST))
STREAM_LAYERS = 2

PlaneRows = Mapping[str, tuple[int, int] | slice]


class StackedSuNet(nn.Module):
    """The stacked network with ``n_layers`` convolutions from input to output: x_BCHW to logits, (B, n_classes).

    It takes MLMC as one channel and cuts its streams out of the rows itself: stream 1 sees LM and CST, stream 2 MFCC
    and CST.

    Parameters
    ----------
    n_layers : int
        Number of convolutions from input to output; the first two are separate in each stream.
    input_shape : (int, int, int)
        Channels, rows and columns of MLMC; the paper's is (1, 145, 41).
    n_classes : int
        Number of logits.
    plane_rows : mapping of str to slice or (int, int)
        First row and row after the last of each plane within the input.
    conv4 : str
        How layer 4 halves its maps, ``"pool"`` or ``"stride"``; see :func:`~harness.models.su.conv_layers`.
    dropout : float
        Probability that an element is dropped.

    Raises
    ------
    ValueError
        When a plane's rows are missing, or the streams differ in height, so that their maps cannot be concatenated.
    """

    def __init__(
        self,
        n_layers: int,
        input_shape: tuple[int, int, int],
        n_classes: int,
        plane_rows: PlaneRows,
        *,
        conv4: str = "pool",
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        channels, rows, columns = input_shape
        self._cuts = tuple(_stream_rows(planes, plane_rows, rows) for planes in STREAMS)
        heights = [sum(cut.stop - cut.start for cut in cuts) for cuts in self._cuts]
        if heights[0] != heights[1]:
            raise ValueError(
                f"the two streams must have the same number of rows; {'+'.join(STREAMS[0])} has {heights[0]}, "
                f"{'+'.join(STREAMS[1])} has {heights[1]}"
            )
        self.stream1 = nn.Sequential(conv_layers(1, STREAM_LAYERS, channels, dropout=dropout))
        self.stream2 = nn.Sequential(conv_layers(1, STREAM_LAYERS, channels, dropout=dropout))
        joined = 2 * CHANNELS[STREAM_LAYERS - 1]
        trunk = conv_layers(STREAM_LAYERS + 1, n_layers, joined, conv4=conv4, dropout=dropout)
        trunk.update(head_layers(fc_inputs(n_layers, heights[0], columns), n_classes, dropout=dropout))
        self.trunk = nn.Sequential(trunk)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return logits, shape (B, n_classes)."""
        streams = zip((self.stream1, self.stream2), self._cuts, strict=True)
        maps = [stream(_take_rows(x_BCHW, cuts)) for stream, cuts in streams]
        logits: Tensor = self.trunk(torch.cat(maps, dim=1))
        return logits


def _stream_rows(planes: tuple[str, ...], plane_rows: PlaneRows, rows: int) -> tuple[slice, ...]:
    """Return the row cuts of a stream, with neighbouring planes joined so that fewer pieces are copied."""
    cuts: list[slice] = []
    for plane in planes:
        if plane not in plane_rows:
            raise ValueError(f"plane_rows has no entry {plane!r}; it has {', '.join(plane_rows) or 'nothing'}")
        given = plane_rows[plane]
        cut = given if isinstance(given, slice) else slice(*given)
        if not 0 <= cut.start < cut.stop <= rows:
            raise ValueError(f"plane_rows[{plane!r}] = {cut.start}:{cut.stop} is outside the input's {rows} rows")
        if cuts and cuts[-1].stop == cut.start:
            cut = slice(cuts.pop().start, cut.stop)
        cuts.append(slice(cut.start, cut.stop))
    return tuple(cuts)


def _take_rows(x_BCHW: Tensor, cuts: tuple[slice, ...]) -> Tensor:
    pieces = [x_BCHW[:, :, cut] for cut in cuts]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=2)
