"""A trained network as an ONNX file, for programs without torch."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from harness.errors import TrainingError
from harness.training.trained import TrainedNetwork

ONNX_FILE = "network.onnx"

TOLERANCE = 1e-4
"""Largest difference of a probability between the file and torch that is accepted: both compute in float32, in another
order."""

_ITEMS = 4


class _WithProbabilities(nn.Module):
    """Normalises items as they are computed from audio, and returns probabilities."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: TrainedNetwork) -> None:
        super().__init__()
        self.model = network.module()
        for name, default in (("mean", 0.0), ("std", 1.0)):
            values = torch.from_numpy(np.asarray(network.normaliser.get(name, np.float32(default)), np.float32))
            # (bins,) of segments, or (rows, 1, channels) of images, to (1, channels, rows, 1).
            shaped = values.permute(2, 0, 1)[None] if values.ndim == 3 else values.reshape(1, 1, -1, 1)
            self.register_buffer(name, shaped)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.model((x_BCHW - self.mean) / self.std).softmax(dim=1)  # type: ignore[no-any-return]


def write_onnx(network: TrainedNetwork, folder: Path) -> tuple[Path, float]:
    """Write ``network.onnx`` into ``folder``; return its path and the largest difference of a probability from torch.

    Its input ``items`` has the shape (B, channels, rows, columns), float32: items as they are computed from audio, not
    normalised, with any B. Its output ``probabilities`` has the shape (B, C).

    Raises
    ------
    TrainingError
        When the libraries are missing, the network cannot be exported, or the file differs from torch by more than
        :data:`TOLERANCE`; the file is then removed.
    """
    try:
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise TrainingError(f"ONNX needs the package {error.name}: pip install 'harness[onnx]'") from None
    path = folder / ONNX_FILE
    wrapped = _WithProbabilities(network).eval()
    shape, _ = network.shape()
    noise = np.random.default_rng(0).standard_normal((_ITEMS, *shape), dtype=np.float32)
    items = torch.from_numpy(noise) * wrapped.std + wrapped.mean
    # The exporter reports each of its steps.
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    with torch.inference_mode():
        expected = wrapped(items).numpy()
    try:
        torch.onnx.export(
            wrapped,
            (items,),
            str(path),
            input_names=["items"],
            output_names=["probabilities"],
            dynamic_shapes={"x_BCHW": {0: torch.export.Dim("batch", max=1 << 16)}},
            external_data=False,
            verbose=False,
        )
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        # Another number of items than it was exported with.
        given = [session.run(None, {"items": part.numpy()})[0] for part in (items[:3], items[3:])]
    except Exception as error:
        path.unlink(missing_ok=True)
        raise TrainingError(
            f"{network.title}: torch cannot export this network to ONNX: {str(error).strip().splitlines()[0][:300]}"
        ) from error
    difference = float(np.abs(np.concatenate(given) - expected).max())
    if not difference <= TOLERANCE:
        path.unlink()
        raise TrainingError(
            f"{network.title}: the ONNX file differs from torch by {difference:.1e} in a probability, more than "
            f"{TOLERANCE:.0e}; it was removed"
        )
    return path, difference
