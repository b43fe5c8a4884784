"""Networks by the names that studies use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from harness import own_code
from harness.choices import Init
from harness.errors import StudyError
from harness.models.stacked import PlaneRows
from harness.registry import NETWORKS, code, options_of

if TYPE_CHECKING:
    from harness.study import ModelSection


def build_model(
    model_name: str,
    model: ModelSection,
    input_shape: tuple[int, int, int],
    n_classes: int,
    plane_rows: PlaneRows | None = None,
) -> nn.Module:
    """Return the network ``model_name`` with fresh weights, on the CPU, drawn from torch's generator.

    Parameters
    ----------
    model_name : str
        Name in the registry.
    model : ModelSection
        Initial weights, and the options of the network.
    input_shape : (int, int, int)
        Channels, rows (bins) and columns (frames) of one item.
    n_classes : int
        Number of logits.
    plane_rows : mapping of str to slice or (int, int), optional
        Rows of each plane within the input; the stacked networks need them to cut their streams.

    Raises
    ------
    ValueError
        When the name is unknown, or the network needs the rows of planes and lacks them.
    StudyError
        When the network is the user's own code, and it fails or does not fit.

    Examples
    --------
    >>> import torch
    >>> from harness.study import ModelSection
    >>> build_model("su4", ModelSection(), (1, 85, 41), 10)(torch.zeros(2, 1, 85, 41)).shape
    torch.Size([2, 10])
    """
    network = NETWORKS.get(model_name)
    options = options_of(network).model_validate(model.options)
    arguments = {**dict(options), **(options.model_extra or {}), **dict(network.arguments)}
    if network.takes_rows:
        if plane_rows is None:
            raise ValueError(
                f"{model_name} splits its input into streams by the rows of the planes: plane_rows is required"
            )
        arguments["plane_rows"] = plane_rows
    if network.own:
        built = _own_network(network.build, input_shape, n_classes, arguments)
    else:
        built = code(network.build)(input_shape=input_shape, n_classes=n_classes, **arguments)
    if model.init is Init.KAIMING_NORMAL:
        kaiming_normal(built)
    return built


def _own_network(
    reference: str, input_shape: tuple[int, int, int], n_classes: int, arguments: Mapping[str, Any]
) -> nn.Module:
    """Return the network of the user's own code, after checking that it gives one logit for each class.

    Raises
    ------
    StudyError
        When it cannot be imported or called, returns no module, or outputs of another shape.
    """
    built = own_code.call(reference, "model", input_shape=input_shape, n_classes=n_classes, **arguments)
    if not isinstance(built, nn.Module):
        raise StudyError(f"model = {reference!r}: expected a torch.nn.Module, received a {type(built).__name__}")
    training = built.training
    generator = torch.get_rng_state()  # the check must not move the random numbers of the training
    try:
        with torch.inference_mode():
            outputs = own_code.guarded(lambda: built.eval()(torch.zeros(2, *input_shape)), f"model = {reference!r}")
    finally:
        torch.set_rng_state(generator)
        built.train(training)
    shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
    if shape != (2, n_classes):
        raise StudyError(
            f"model = {reference!r}: for items of shape {(2, *input_shape)} expected logits of shape {(2, n_classes)}, "
            f"received {shape}"
        )
    return built


def kaiming_normal(model: nn.Module) -> None:
    """Redraw convolution and linear weights from He's normal distribution (fan in, ReLU); biases become 0."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
