"""TrainedNetwork: one final training as it can be used again, with everything that a prediction needs.

It is kept as two files in one folder: ``weights.safetensors``, and ``network.json`` with study, arm, hyperparameters,
classes, the normaliser of the training part and the versions it was trained with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from torch import nn

from harness.choices import Precision
from harness.data.audiofile import LONGEST
from harness.data.splits import Part
from harness.devices import open_device
from harness.errors import StudyError, TrainingError
from harness.features.cache.feature_store import FeatureRef
from harness.features.sets import LaidOut, plane_rows, planes_of, set_shape
from harness.models.build import build_model
from harness.registry import Layout
from harness.section import Section
from harness.study import Arm, ArmSettings, StudySpec, read_recorded
from harness.study.bounds import require_bounded
from harness.system.redaction import mask_tree
from harness.text.printable import one_line
from harness.training.augment import keeps_rounding
from harness.training.inference import all_logits, probabilities
from harness.training.isolation import isolated
from harness.training.normalise import apply
from harness.training.precision import has_bfloat16
from harness.training.resident import Resident, part_items
from harness.training.weights import NETWORK_FILE, WEIGHTS_FILE, read_arrays, weights_bytes

if TYPE_CHECKING:
    from harness.features.compute import Planes
    from harness.registry import FeatureSet

FORMAT = 1
_LARGEST = 64 << 20
"""Most bytes of network.json: two numbers for each row of the input, and a study."""


@dataclass(frozen=True)
class TrainedNetwork:
    """The network of a final training.

    Attributes
    ----------
    spec
        The resolved study.
    arm
        Name of the arm.
    values
        Hyperparameters that override the arm's, by dotted name.
    fold, seed
        The test fold, which it was not trained on, and the index of the seed.
    classes
        Class names; the position is the label.
    clip_seconds, longest_seconds
        Median length of the data set's clips, and that of the longest one, in seconds.
    normaliser
        ``FoldResult.normaliser``.
    weights
        ``FoldResult.weights``.
    conditions
        What it was trained with: ``device``, ``threads``, ``torch``, ``precision``, ``harness``.
    run_id
        Id of the run.
    accuracies
        Macro accuracy by part of the split: ``test`` and, if it validates, ``validation``.
    """

    spec: StudySpec
    arm: str
    values: Mapping[str, Any]
    fold: int
    seed: int
    classes: tuple[str, ...]
    clip_seconds: float
    longest_seconds: float
    normaliser: Mapping[str, NDArray[np.float32]] = field(repr=False)
    weights: Mapping[str, NDArray[Any]] = field(repr=False)
    conditions: Mapping[str, str] = field(default_factory=dict)
    run_id: str = ""
    accuracies: Mapping[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name of the training: ``LMCNet fold 1 seed 0``."""
        return f"{self.arm} fold {self.fold} seed {self.seed}"

    @property
    def inputs(self) -> FeatureSet:
        """The feature set of the arm."""
        return self.spec.inputs(self._arm)

    @property
    def planes(self) -> tuple[LaidOut, ...]:
        """The planes to compute for a clip, in the order of the set.

        Raises
        ------
        TrainingError
            When the input is a vector from a file, which cannot be computed from audio.
        """
        if self.inputs.layout is Layout.VECTOR:
            raise TrainingError(
                f"{self.title}: its input {self.inputs.name!r} is a vector from a file, which cannot be computed from "
                "audio; use an arm whose features are planes"
            )
        return planes_of(self.inputs, self.spec.features)

    @property
    def settings(self) -> ArmSettings:
        """The settings of the arm with the training's hyperparameters."""
        return self.spec.settings(self._arm, dict(self.values))

    @property
    def _arm(self) -> Arm:
        return self.spec.arm(self.arm)

    def module(self) -> nn.Module:
        """Return the network with its weights, in evaluation mode, on the CPU.

        It maps items as the study computed them, shape (B, channels, rows, columns), normalised by :attr:`normaliser`,
        to logits, shape (B, C).

        Raises
        ------
        TrainingError
            When the weights are not those of this network.
        """
        settings = self.settings
        shape, rows = self.shape()
        model = build_model(settings.model_name, settings.model, shape, len(self.classes), rows)
        try:
            model.load_state_dict({name: torch.from_numpy(array) for name, array in self.weights.items()})
        except RuntimeError as error:
            raise TrainingError(
                f"{self.title}: the weights are not those of the network {settings.model_name}: {one_line(error)[:300]}"
            ) from None
        return model.eval()

    def predict(self, clips: Sequence[Planes], device: str = "cpu") -> pd.DataFrame:
        """Return the class probabilities of every item of ``clips``.

        For the clips of a part of the training's split, in its order, they are the recorded ones, bit for bit, on the
        same hardware and versions.

        Parameters
        ----------
        clips : sequence of dict
            For each clip its :attr:`planes`, as :func:`harness.features.compute.compute` returns them.
        device : str
            ``"cpu"``, ``"cuda"`` or ``"cuda:N"``. Where it lacks bfloat16, a network that was trained in it predicts in
            float32.

        Returns
        -------
        DataFrame
            One row per segment, or per clip of images: ``clip`` (position in ``clips``), ``segment``, and ``p_0`` ..
            ``p_{C-1}``, float32, which sum to 1.
        """
        where = open_device(device)
        train = self.settings.train
        bfloat16 = train.precision == Precision.BFLOAT16 and has_bfloat16(where)
        resident = self._resident(clips, where)
        everything = Part(np.arange(len(clips), dtype=np.int64))
        items = part_items(everything, resident.features, np.zeros(len(clips), dtype=np.int64))
        with isolated(where, 0, train.threads), torch.inference_mode():
            apply(resident, self.normaliser)
            if bfloat16 and keeps_rounding(train):
                resident.round_to_bfloat16()
            model = self.module().to(where).to(memory_format=torch.channels_last)
            positions = torch.from_numpy(resident.positions(items)).to(where)
            found = probabilities(all_logits(model, resident, positions, bfloat16=bfloat16))
        columns = {f"p_{label}": found[:, label] for label in range(found.shape[1])}
        return pd.DataFrame({"clip": items.clips, "segment": items.segments, **columns})

    def _resident(self, clips: Sequence[Planes], device: torch.device) -> Resident:
        """Return the features of ``clips`` on ``device``."""
        planes, params = self.planes, self.spec.features
        offsets = np.zeros(len(clips) + 1, dtype=np.int64)
        if self.inputs.layout is Layout.SEGMENTS:
            x = np.concatenate([np.concatenate([clip[plane] for plane in planes], axis=1) for clip in clips])
            np.cumsum([len(clip[planes[0]]) for clip in clips], out=offsets[1:])
        else:
            x = np.ascontiguousarray(np.stack([np.stack([clip[plane] for plane in planes], axis=-1) for clip in clips]))
        features = FeatureRef(
            name=self.inputs.name,
            layout=self.inputs.layout,
            planes=tuple(plane.name for plane in planes),
            files=(),
            offsets=offsets,
            segment_frames=params.segment_frames,
            segment_hop=params.segment_hop,
            digest="",
        )
        return Resident(features, device, torch.from_numpy(x).to(device))

    def shape(self) -> tuple[tuple[int, int, int], dict[str, slice] | None]:
        """Return the shape of an item, and the rows of its planes if they are stacked."""
        inputs = self.inputs
        if inputs.layout is Layout.VECTOR:
            # The length of a vector is known to its file, and to the first linear layer.
            matrices = [array for array in self.weights.values() if array.ndim == 2]
            if not matrices:
                raise TrainingError(f"{self.title}: has no linear layer, so the length of its vectors is unknown")
            return (1, 1, int(matrices[0].shape[1])), None
        rows = plane_rows(inputs, self.spec.features) if inputs.layout is Layout.SEGMENTS else None
        return set_shape(inputs, self.spec.features), rows

    def document(self) -> dict[str, Any]:
        """Return everything but the weights as JSON data, the contents of ``network.json``; float32 values are
        exact."""
        return {
            "format": FORMAT,
            "run_id": self.run_id,
            "arm": self.arm,
            "fold": self.fold,
            "seed": self.seed,
            "values": dict(self.values),
            "classes": list(self.classes),
            "clip_seconds": self.clip_seconds,
            "longest_seconds": self.longest_seconds,
            "conditions": dict(self.conditions),
            "accuracies": dict(self.accuracies),
            "normaliser": {name: array.tolist() for name, array in self.normaliser.items()},
            "study": mask_tree(self.spec.model_dump(mode="json")),
        }

    def files(self) -> dict[str, bytes]:
        """Return the contents of the two files by name."""
        text = json.dumps(self.document(), ensure_ascii=False, allow_nan=False) + "\n"
        return {NETWORK_FILE: text.encode(), WEIGHTS_FILE: weights_bytes(self.weights)}


class _File(Section):
    """network.json."""

    format: Literal[1]
    run_id: str
    arm: str
    fold: Annotated[int, Field(ge=1, le=1000)]
    seed: Annotated[int, Field(ge=0, le=2**31)]
    values: dict[str, Any]
    classes: Annotated[list[str], Field(min_length=1, max_length=10_000)]
    clip_seconds: Annotated[float, Field(gt=0, le=LONGEST)]
    longest_seconds: Annotated[float, Field(gt=0, le=LONGEST)]
    conditions: dict[str, str]
    accuracies: dict[str, Annotated[float, Field(ge=0, le=1)]]
    normaliser: dict[Literal["mean", "std"], list[Any]]
    study: dict[str, Any]


def read_network(network: Path, weights: Path) -> TrainedNetwork:
    """Return a network from its two files, which are not trusted: nothing is unpickled, sizes are bounded.

    Raises
    ------
    TrainingError
        When a file is missing, damaged or of another format.
    """
    try:
        if network.stat().st_size > _LARGEST:
            raise TrainingError(f"{network}: larger than {_LARGEST >> 20} MB; it is not a file of this harness")
        found = _File.model_validate_json(network.read_bytes())
        arrays = read_arrays(weights)
        normaliser: dict[str, NDArray[np.float32]] = {
            name: np.array(values, dtype=np.float32) for name, values in found.normaliser.items()
        }
    except OSError as error:
        raise TrainingError(f"{error.filename or network}: cannot read the network: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise TrainingError(
            f"{network}: not a network of this harness: {place}: {one_line(first['msg'])}; export it again"
        ) from None
    except (ValueError, TypeError) as error:
        raise TrainingError(f"{network.parent}: damaged: {one_line(error)}; export it again") from None
    try:
        spec = read_recorded(found.study, str(network), found.conditions)
        require_bounded(spec, str(network))
        spec.settings(spec.arm(found.arm), found.values)
    except (StudyError, ValueError, KeyError) as error:
        raise TrainingError(f"{network}: {one_line(error)}") from None
    return TrainedNetwork(
        spec=spec,
        arm=found.arm,
        values=found.values,
        fold=found.fold,
        seed=found.seed,
        classes=tuple(found.classes),
        clip_seconds=found.clip_seconds,
        longest_seconds=found.longest_seconds,
        normaliser=normaliser,
        weights=arrays,
        conditions=found.conditions,
        run_id=found.run_id,
        accuracies=found.accuracies,
    )
