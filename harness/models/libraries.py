"""Networks of torchvision and timm by their names there, with the number of input channels that the features need.

Both are optional: ``pip install "harness[torchvision]"`` or ``"harness[timm]"``. Weights are fresh; nothing is
downloaded.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from torch import nn

from harness.errors import StudyError


def library_network(
    input_shape: tuple[int, int, int], n_classes: int, library: str, name: str, **arguments: Any
) -> nn.Module:
    """Return the classification network ``name`` of a library, for items and classes of these numbers.

    Parameters
    ----------
    input_shape : (int, int, int)
        Channels, rows and columns of an item.
    n_classes : int
        Number of logits.
    library : str
        ``"torchvision"`` or ``"timm"``.
    name : str
        Name of the network in the library.
    **arguments
        Further arguments of the library's factory.

    Raises
    ------
    StudyError
        When the library is not installed, has no such network, or refuses the arguments.
    """
    make = _torchvision if library == "torchvision" else _timm
    try:
        return make(name, input_shape[0], n_classes, arguments)
    except ImportError:
        raise StudyError(
            f"model: {library} is not installed; install it with: pip install 'harness[{library}]'"
        ) from None
    except (TypeError, ValueError, RuntimeError) as error:
        raise StudyError(f"model = '{library}:{name}': {error}") from None


def _torchvision(name: str, channels: int, n_classes: int, arguments: dict[str, Any]) -> nn.Module:
    from torchvision import models  # type: ignore[import-untyped]

    if name not in models.list_models(models):
        known = ", ".join(models.list_models(models)[:12])
        raise StudyError(f"model = 'torchvision:{name}': torchvision has no such network; it has {known}, ...")
    model: nn.Module = models.get_model(name, weights=None, num_classes=n_classes, **arguments)
    if channels != 3:
        # Other than timm's, its factories have no argument for it.
        _with_channels(model, channels, f"torchvision:{name}")
    return model


def _timm(name: str, channels: int, n_classes: int, arguments: dict[str, Any]) -> nn.Module:
    import timm

    if not timm.is_model(name):
        close = get_close_matches(name, timm.list_models(), n=5)
        raise StudyError(f"model = 'timm:{name}': timm has no such network; similar ones are {', '.join(close) or '-'}")
    if "pretrained" in arguments:
        raise StudyError(f"model = 'timm:{name}': nothing is downloaded; give arm.weights = 'FILE.safetensors'")
    model: nn.Module = timm.create_model(name, pretrained=False, in_chans=channels, num_classes=n_classes, **arguments)
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
