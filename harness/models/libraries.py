"""Networks of torchvision and timm by their names there, with the number of input channels that the features need.

Both are optional: ``pip install "harness[torchvision]"`` or ``"harness[timm]"``. Weights are fresh; nothing is
downloaded.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from harness.errors import StudyError


def torchvision_network(input_shape: tuple[int, int, int], n_classes: int, name: str, **arguments: Any) -> nn.Module:
    """Return the classification network ``name`` of torchvision, its first convolution replaced by a fresh one with
    ``input_shape[0]`` input channels unless that is 3.

    Parameters
    ----------
    input_shape : (int, int, int)
        Channels, rows and columns of an item.
    n_classes : int
        Number of logits.
    name : str
        Name of the network in the library.
    **arguments
        Further arguments of the library's factory.

    Raises
    ------
    StudyError
        When torchvision is not installed, has no such network, or refuses the arguments.
    """
    try:
        from torchvision import models  # type: ignore[import-untyped]
    except ImportError:
        raise _missing("torchvision") from None
    if name not in models.list_models(models):
        raise StudyError(
            f"model = 'torchvision:{name}': torchvision has no such network; it has "
            f"{', '.join(models.list_models(models)[:12])}, ..."
        )
    try:
        model: nn.Module = models.get_model(name, weights=None, num_classes=n_classes, **arguments)
    except (TypeError, ValueError) as error:
        raise StudyError(f"model = 'torchvision:{name}': {error}") from None
    if input_shape[0] != 3:
        _with_channels(model, input_shape[0], f"torchvision:{name}")
    return model


def timm_network(input_shape: tuple[int, int, int], n_classes: int, name: str, **arguments: Any) -> nn.Module:
    """Return the network ``name`` of timm for ``input_shape`` and ``n_classes``.

    Parameters
    ----------
    input_shape : (int, int, int)
        Channels, rows and columns of an item.
    n_classes : int
        Number of logits.
    name : str
        Name of the network in the library.
    **arguments
        Further arguments of the library's factory.

    Raises
    ------
    StudyError
        When timm is not installed, has no such network, or refuses the arguments.
    """
    try:
        import timm  # type: ignore[import-not-found]
    except ImportError:
        raise _missing("timm") from None
    if not timm.is_model(name):
        close = timm.list_models(f"*{name[:6]}*")[:12]
        raise StudyError(f"model = 'timm:{name}': timm has no such network; similar ones are {', '.join(close) or '-'}")
    if "pretrained" in arguments:
        raise StudyError(f"model = 'timm:{name}': nothing is downloaded; give arm.weights = 'FILE.safetensors'")
    try:
        model: nn.Module = timm.create_model(
            name, pretrained=False, in_chans=input_shape[0], num_classes=n_classes, **arguments
        )
    except (TypeError, ValueError, RuntimeError) as error:
        raise StudyError(f"model = 'timm:{name}': {error}") from None
    return model


def _with_channels(model: nn.Module, channels: int, name: str) -> None:
    """Replace the first convolution of ``model`` by a fresh one with ``channels`` input channels."""
    for path, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            parent, _, leaf = path.rpartition(".")
            fresh = nn.Conv2d(
                channels,
                module.out_channels,
                module.kernel_size,  # type: ignore[arg-type]
                module.stride,  # type: ignore[arg-type]
                module.padding,  # type: ignore[arg-type]
                module.dilation,  # type: ignore[arg-type]
                1,
                module.bias is not None,
                module.padding_mode,
            )
            setattr(model.get_submodule(parent), leaf, fresh)
            return
    raise StudyError(f"model = {name!r}: has no convolution, so its input channels cannot be changed from 3")


def _missing(library: str) -> StudyError:
    return StudyError(f"model: {library} is not installed; install it with: pip install 'harness[{library}]'")
