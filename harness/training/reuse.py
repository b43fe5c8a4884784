"""What a process keeps on a GPU from one training to the next: features as they lie on disk, and recorded steps.

Neither has a say in a result. A training normalises a copy of the features, and a learner that is used again starts
from the weights and the zeros that a new one would start from. On the CPU nothing is kept: reading features takes a
fraction of a percent of a training there, and memory counts for more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.errors import TrainingError
from harness.training.graphs import GraphLearner
from harness.training.inputs import load_planes

if TYPE_CHECKING:
    from harness.features.cache.feature_store import FeatureRef
    from harness.study import ArmSettings

# Feature sets and learners kept: a study's arms alternate between two as a rule.
KEPT = 2
# Fields of the train section that a recorded step does not contain; every other one makes another recording.
OUTSIDE_THE_STEP = frozenset(
    {
        "tuned_on",
        "tuned_by",
        "epochs",
        "lr",
        "schedule",
        "milestones",
        "gamma",
        "norm_statistics",
        "patience",
        "gain",
        "mask_frames",
        "mask_bins",
        "threads",
    }
)


def keeps(device: torch.device) -> bool:
    """Return whether anything is kept from one training on ``device`` to the next."""
    return device.type == "cuda"


class Kept:
    """The feature planes and learners that were used last."""

    def __init__(self) -> None:
        self._planes: OrderedDict[object, Tensor] = OrderedDict()
        self._learners: OrderedDict[object, GraphLearner] = OrderedDict()

    def planes(self, features: FeatureRef, device: torch.device) -> Tensor:
        """Return a copy of the planes of ``features`` on ``device``, read from disk only where they are not kept.

        Where memory runs out, all that is kept is given up first.
        """
        key = (features.digest, features.files, features.layout, str(device))
        held = self._planes.pop(key, None)
        try:
            if held is None:
                held = load_planes(features, device)
            copy = held.clone()
        except torch.OutOfMemoryError:
            self.clear()
            return load_planes(features, device)
        _put(self._planes, key, held)
        return copy

    def take_learner(
        self, key: object, model: nn.Module, weights_C: NDArray[np.float32] | None, make: Callable[[], GraphLearner]
    ) -> GraphLearner:
        """Return the learner kept under ``key``, restarted with ``model``, or else what ``make`` returns.

        It is removed here; :meth:`give_back` keeps it again after a successful training.

        Parameters
        ----------
        key : object
            What :func:`step_key` returns.
        model : nn.Module
            The network with the weights to start from.
        weights_C : ndarray of float32, shape (C,), or None
            Loss weight of each class; None weights all alike.
        make : callable
            Makes a learner of ``model``; called when none is kept.
        """
        learner = self._learners.pop(key, None)
        if learner is None:
            return make()
        learner.restart(model, weights_C)
        return learner

    def give_back(self, key: object, learner: GraphLearner) -> None:
        """Keep ``learner`` for the next training of the same ``key``."""
        _put(self._learners, key, learner)

    @contextmanager
    def given_up_on_failure(self) -> Iterator[None]:
        """Give up everything when a training fails in the block: memory may be what it lacked."""
        try:
            yield
        except TrainingError:
            self.clear()
            raise

    def clear(self) -> None:
        """Give up everything that is kept."""
        self._planes.clear()
        self._learners.clear()
        # Without effect where CUDA was never used.
        torch.cuda.empty_cache()


def step_key(
    settings: ArmSettings,
    input_shape: tuple[int, int, int],
    n_classes: int,
    plane_rows: Mapping[str, tuple[int, int]],
    device: torch.device,
) -> object:
    """Return what two trainings must have in common to share one CUDA graph.

    Parameters
    ----------
    settings : ArmSettings
        Network and training settings of the arm.
    input_shape : (int, int, int)
        Channels, rows and columns of one item.
    n_classes : int
        Number of classes.
    plane_rows : mapping of str to (int, int)
        First row and row after the last of each plane within the input.
    device : torch.device
        Where to train.
    """
    train: dict[str, Any] = settings.train.model_dump(exclude=set(OUTSIDE_THE_STEP))
    # The type in which inputs are held follows from gain and mixup, and is part of the recording.
    return (
        settings.model_name,
        repr(sorted(settings.model.model_dump().items())),
        repr(sorted(train.items())),
        settings.train.gain > 1,
        input_shape,
        n_classes,
        tuple(sorted(plane_rows.items())),
        str(device),
    )


def _put(kept: OrderedDict[object, Any], key: object, value: object) -> None:
    kept[key] = value
    while len(kept) > KEPT:
        kept.popitem(last=False)


# One for the process: tasks come to it one after another, from whatever study.
KEPT_HERE = Kept()
