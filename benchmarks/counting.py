"""Operations and bytes that one training step cannot do without, counted from the network itself."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from harness.models.describe import describe_model


@dataclass(frozen=True)
class Counted:
    """Operations (a multiplication and an addition are two) and bytes of one step.

    ``convolution`` is the part of ``operations`` in convolutions; the rest is in linear layers.
    """

    operations: int
    network_bytes: int
    optimizer_bytes: int
    convolution: int = 0

    def floor_seconds(self, operations_per_second: float, bytes_per_second: float) -> float:
        """Return the least time: the optimiser follows the backward pass, so its bytes cannot hide behind arithmetic.

        max(operations / rate, network bytes / bandwidth) + optimiser bytes / bandwidth.
        """
        network = max(self.operations / operations_per_second, self.network_bytes / bytes_per_second)
        return network + self.optimizer_bytes / bytes_per_second


def counted(model: nn.Module, input_shape: tuple[int, int, int], batch: int, element: int) -> Counted:
    """Count one step of SGD with momentum on ``batch`` items; activations have ``element`` bytes a number.

    A layer's output costs operations once forward and twice backward, for the gradients of its weights and of its
    input; the first layer's input needs none. Layer outputs and their gradients are each written and read once; what
    normalisation, ReLU, pool and dropout move is taken to be fused away. Weights are float32: forward and backward read
    them in ``element`` bytes, the gradient is written in float32, and the optimiser reads weight, gradient and momentum
    and writes weight and momentum.
    """
    layers = describe_model(model, input_shape)
    modules = dict(model.named_modules())
    operations = {nn.Conv2d: 0, nn.Linear: 0}
    for index, (name, weights, outputs) in enumerate(
        zip(layers["layer"], layers["weights"], layers["activations"], strict=True)
    ):
        module = modules[name]
        positions = outputs // (module.out_channels if isinstance(module, nn.Conv2d) else module.out_features)
        kind = nn.Conv2d if isinstance(module, nn.Conv2d) else nn.Linear
        operations[kind] += (2 if index == 0 else 3) * 2 * int(weights) * int(positions) * batch
    activations = int(layers["activations"].sum()) * batch
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Counted(
        operations=sum(operations.values()),
        network_bytes=4 * activations * element + parameters * (2 * element + 4),
        optimizer_bytes=parameters * 5 * 4,
        convolution=operations[nn.Conv2d],
    )
