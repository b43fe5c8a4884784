"""What a process keeps on a GPU from one training to the next: features as on disk, and CUDA graphs.

Neither affects results. A training normalises a copy of the features, and a reused learner starts from the same weights
and zeros as a new one. On the CPU nothing is kept: there reading features takes a fraction of a percent of a training,
and memory matters more.
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

from harness.devices import ran_out_of_memory
from harness.errors import TrainingError
from harness.registry import is_reference
from harness.training.graphs import GraphLearner
from harness.training.resident import load_planes

if TYPE_CHECKING:
    from harness.features.cache.feature_store import FeatureRef
    from harness.study import ArmSettings, TrainSection

# Number of feature sets and learners kept: a study's arms usually alternate between two.
KEPT = 2
# Fields of the train section that a CUDA graph does not depend on; a change of any other one needs a new graph.
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


def records_steps(train: TrainSection, device: torch.device) -> bool:
    """Return whether steps are recorded as CUDA graphs; the user's own code may do what a graph cannot replay."""
    own = any(map(is_reference, (train.loss, train.optimizer, *train.augment)))
    return train.cuda_graphs and keeps(device) and not own


def keeps(device: torch.device) -> bool:
    """Return whether anything is kept from one training on ``device`` to the next."""
    return device.type == "cuda"


class Kept:
    """The most recently used feature planes and learners."""

    def __init__(self) -> None:
        self._planes: OrderedDict[object, Tensor] = OrderedDict()
        self._learners: OrderedDict[object, GraphLearner] = OrderedDict()

    def planes(self, features: FeatureRef, device: torch.device) -> Tensor:
        """Return a copy of the planes of ``features`` on ``device``, read from disk unless they are kept.

        Where memory runs out, everything kept is released first.
        """
        key = (features.digest, features.files, features.layout, str(device))
        held = self._planes.pop(key, None)
        try:
            if held is None:
                held = load_planes(features, device)
            copy = held.clone()
        except RuntimeError as error:
            if not ran_out_of_memory(error):
                raise
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
        """Keep ``learner`` for the next training with the same ``key``."""
        _put(self._learners, key, learner)

    @contextmanager
    def given_up_on_failure(self) -> Iterator[None]:
        """Release everything when a training fails in the block: it may have lacked memory."""
        try:
            yield
        except TrainingError:
            self.clear()
            raise

    def clear(self) -> None:
        """Release everything that is kept."""
        self._planes.clear()
        self._learners.clear()
        # No effect where CUDA was never used.
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
    # The data type of the inputs follows from gain and mixup, and is part of the graph.
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


# One per process: tasks of all studies run one after another.
KEPT_HERE = Kept()
