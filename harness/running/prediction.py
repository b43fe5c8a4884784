"""Prediction of recordings by trained networks: one, the mean over folds and seeds, or a fused arm's streams.

A recording that is longer than the data set's longest clip is cut into windows of the median length of its clips, each
of which is treated as a clip.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness import own_code
from harness.errors import TrackingError
from harness.features.audio import count_windows, read_windows
from harness.report.folder.read import open_report
from harness.report.folder.results_file import RESULTS
from harness.running.study_inputs import activate_code
from harness.study import Arm, StudySpec
from harness.system.writing import write_atomically
from harness.terminal.progress import Silent
from harness.tracking.logged_models import run_of_model
from harness.tracking.recorded_run import read_run
from harness.tracking.study_reader import load_network
from harness.training.fuse import fuse_predictions
from harness.training.metrics import clip_means, probability_columns
from harness.training.model_card import CARD, model_card
from harness.training.trained import TrainedNetwork, read_network
from harness.training.weights import NETWORK_FILE, WEIGHTS_FILE

if TYPE_CHECKING:
    from torch import nn

    from harness.features.compute import Planes

Key = tuple[str, int, int]
"""Arm, fold and seed of a training."""

AT_ONCE = 256
"""Windows whose features are in memory at once."""

MOST_NETWORKS = 1000
"""Most networks that are read from one folder."""


@dataclass(frozen=True)
class Choice:
    """Which trainings of a study predict.

    Attributes
    ----------
    arm
        The arm; None for the only one.
    fold, seed
        The test fold and the index of the seed; None for the first, or all in an ensemble.
    ensemble
        Whether to average the probabilities of all folds and seeds that match.
    """

    arm: str | None = None
    fold: int | None = None
    seed: int | None = None
    ensemble: bool = False


@dataclass(frozen=True)
class Member:
    """One network, or the streams of a fused arm with its rule."""

    streams: tuple[TrainedNetwork, ...]
    fused: Arm | None = None

    def probabilities(self, clips: Sequence[Planes], device: str) -> NDArray[np.float64]:
        """Return the class probabilities of ``clips``, float64, shape (n, C)."""
        tables = [each.predict(clips, device).assign(part="test", y_true=0) for each in self.streams]
        table = tables[0]
        if self.fused is not None:
            table = fuse_predictions(tables, str(self.fused.rule), self.fused.level)
        columns = probability_columns(table)
        values = table[columns].to_numpy(np.float64)
        return clip_means(table["clip"].to_numpy(np.int64), values, table["y_true"].to_numpy(np.int64))[1]


@dataclass(frozen=True)
class Predictor:
    """Trained networks of one study, ready to classify recordings.

    Attributes
    ----------
    members
        Networks whose probabilities are averaged.
    study_folder
        Folder of the study file, for networks or planes of the user's own code; it allows that code to run.
    """

    members: tuple[Member, ...]
    study_folder: Path | None = None

    @property
    def networks(self) -> tuple[TrainedNetwork, ...]:
        """All networks."""
        return tuple(network for member in self.members for network in member.streams)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the labels."""
        return self._first.classes

    @property
    def clip_seconds(self) -> float:
        """Length of a window in seconds: the median of the data set's clips."""
        return self._first.clip_seconds

    @property
    def title(self) -> str:
        """What predicts, in words."""
        fused = self.members[0].fused
        arm = self._first.arm if fused is None else fused.name
        if len(self.members) == 1:
            return f"{arm} fold {self._first.fold} seed {self._first.seed}"
        return f"{arm}, mean of {len(self.members)} trainings"

    @property
    def module(self) -> nn.Module:
        """The only network as a torch module in evaluation mode, with its weights.

        It maps items as the study computed them, shape (B, channels, rows, columns), normalised by ``normaliser``, to
        logits, shape (B, C).

        Raises
        ------
        TrackingError
            When there are several networks.
        """
        if len(self.networks) > 1:
            raise TrackingError(f"{self.title}: {len(self.networks)} networks, not one; choose a fold and a seed")
        with self._code():
            return self._first.module()

    def predict(
        self,
        recordings: Sequence[str | Path],
        *,
        hop: float | None = None,
        device: str = "cpu",
        on_window: Callable[[int], None] | None = None,
    ) -> pd.DataFrame:
        """Return the class probabilities of audio files of any length that libsndfile reads.

        The clips of a test fold, all in their order, give the recorded probabilities to the bit on the same machine;
        other recordings in the same call may change the last digits, because batches differ.

        Parameters
        ----------
        recordings
            Audio files.
        hop
            Seconds between the starts of windows; by default :attr:`clip_seconds`, so that windows do not overlap. The
            last window of a recording ends where the recording ends.
        device
            ``"cpu"``, ``"cuda"`` or ``"cuda:N"``; computes the networks. Features are computed on the CPU.
        on_window
            Called with the number of windows done.

        Returns
        -------
        DataFrame
            One row per window: ``file``, ``start`` and ``end`` (s), ``class``, ``probability``, and a column
            ``p_<class>`` for each class. Probabilities of a row sum to 1.

        Raises
        ------
        FeatureError
            When a file cannot be used.
        """
        done = 0
        rows: list[tuple[str, float, float]] = []
        found = []
        with self._code():
            windows = self._windows([Path(each) for each in recordings], hop or self.clip_seconds)
            while group := list(itertools.islice(windows, AT_ONCE)):
                rows += [row for row, _ in group]
                clips = [planes for _, planes in group]
                found.append(np.mean([each.probabilities(clips, device) for each in self.members], axis=0))
                done += len(group)
                if on_window is not None:
                    on_window(done)
        probabilities = np.concatenate(found) if found else np.empty((0, len(self.classes)))
        best = probabilities.argmax(axis=1)
        table = pd.DataFrame(rows, columns=["file", "start", "end"])
        table["class"] = [self.classes[label] for label in best]
        table["probability"] = probabilities[np.arange(len(best)), best]
        return pd.concat([table, pd.DataFrame(probabilities, columns=[f"p_{name}" for name in self.classes])], axis=1)

    def count_windows(self, recordings: Sequence[str | Path], hop: float | None = None) -> int:
        """Return in how many windows :meth:`predict` classifies ``recordings``."""
        params = (self.clip_seconds, hop or self.clip_seconds, self._first.longest_seconds)
        return sum(count_windows(Path(each), *params) for each in recordings)

    def export(self, folder: Path) -> list[tuple[TrainedNetwork, Path]]:
        """Write each network to ``folder``, or below it where there are several; return each with its folder.

        Raises
        ------
        TrackingError
            When a folder already holds other files.
        """
        alone = len(self.networks) == 1
        places = [
            folder if alone else folder / f"{network.arm}-fold{network.fold}-seed{network.seed}"
            for network in self.networks
        ]
        for place in places:
            if place.exists() and (not place.is_dir() or any(place.iterdir())):
                raise TrackingError(f"{place}: exists and is not an empty folder; choose another one (--output)")
        for network, place in zip(self.networks, places, strict=True):
            for name, content in {**network.files(), CARD: model_card(network).encode()}.items():
                write_atomically(place / name, lambda path, content=content: path.write_bytes(content))  # type: ignore[misc]
        return list(zip(self.networks, places, strict=True))

    @property
    def _first(self) -> TrainedNetwork:
        return self.members[0].streams[0]

    def write_onnx(self, network: TrainedNetwork, folder: Path) -> tuple[Path, float]:
        """Write one of :attr:`networks` as ONNX; see :func:`harness.training.onnx_file.write_onnx`."""
        from harness.training.onnx_file import write_onnx

        with self._code():
            return write_onnx(network, folder)

    @contextmanager
    def _code(self) -> Iterator[None]:
        """Allow the user's own code to run within the context, if the folder of the study is known."""
        if self.study_folder is not None:
            activate_code(self._first.spec, self.study_folder, Silent())
        try:
            yield
        finally:
            own_code.activate(None)

    def _windows(self, paths: Sequence[Path], hop: float) -> Iterator[tuple[tuple[str, float, float], Planes]]:
        from harness.features.compute import compute, one_thread, prepare_clip

        params = self._first.spec.features
        planes = list(dict.fromkeys(plane for network in self.networks for plane in network.planes))
        for path in paths:
            for start, samples, rate in read_windows(path, self.clip_seconds, hop, self._first.longest_seconds):
                # One clip at a time by one thread, as the features of the training were computed.
                with one_thread():
                    (computed,) = compute([prepare_clip(path, samples, rate, planes, params)], planes, params)
                yield (str(path), start, start + len(samples) / rate), computed


def open_predictor(
    where: str | Path, choice: Choice | None = None, tracking_uri: str = "", study_folder: Path | None = None
) -> Predictor:
    """Return the networks of a run, a logged model, a report or a folder of exported networks.

    Parameters
    ----------
    where
        Id of a study, arm or fold run, whose first letters suffice; ``models:/m-...``, a logged model of MLflow; the
        folder of a report, whose runs are in the store; or a folder to which networks were exported.
    choice
        Which of its trainings predict.
    tracking_uri
        The MLflow store of runs and reports.
    study_folder
        Folder of the study file, for the user's own code.

    Raises
    ------
    HarnessError
        When there is no such run or folder, it has no network, or the choice fits none, or several arms.
    """
    place = Path(where)
    if (place / RESULTS).is_file():
        where = open_report(place).results.study.run_id
    elif place.is_dir():
        networks = {(each.arm, each.fold, each.seed): each for each in _exported(place)}
        spec = next(iter(networks.values())).spec
        fused = [
            (arm.name, fold, seed)
            for arm in spec.arms
            for stream, fold, seed in networks
            if arm.fuse and stream == arm.fuse[0] and all((each, fold, seed) in networks for each in arm.fuse)
        ]
        return Predictor(
            _members(spec, [*networks, *fused], networks.__getitem__, choice or Choice(), str(place)), study_folder
        )
    run = read_run(tracking_uri, run_of_model(tracking_uri, str(where)))
    finals = [(fold.arm, fold.fold, fold.seed) for fold in run.folds if fold.phase == "final"]
    # The streams of a fused arm are trainings of other arms.
    runs = {(fold.arm, fold.fold, fold.seed): fold.run_id for fold in run.siblings if fold.phase == "final"}
    shown = f"run {run.run_id} ({run.title})"
    members = _members(run.spec, finals, lambda key: load_network(tracking_uri, runs[key]), choice or Choice(), shown)
    return Predictor(members, study_folder)


def _exported(folder: Path) -> list[TrainedNetwork]:
    inside = sorted(path.parent for path in folder.glob(f"*/{NETWORK_FILE}"))
    places = [folder] if (folder / NETWORK_FILE).is_file() else inside
    if not places:
        raise TrackingError(
            f"{folder}: holds neither {RESULTS} of a report nor {NETWORK_FILE} of an exported network; give a run id, "
            "or export a network: harness export RUN --output DIR"
        )
    if len(places) > MOST_NETWORKS:
        raise TrackingError(f"{folder}: holds {len(places)} networks, expected at most {MOST_NETWORKS}")
    return [read_network(each / NETWORK_FILE, each / WEIGHTS_FILE) for each in places]


def _members(
    spec: StudySpec, trainings: Sequence[Key], load: Callable[[Key], TrainedNetwork], choice: Choice, where: str
) -> tuple[Member, ...]:
    """Return the members that ``choice`` selects among ``trainings``."""
    names = list(dict.fromkeys(arm for arm, _, _ in trainings))
    if choice.arm is None and len(names) != 1:
        raise TrackingError(f"{where} has several arms: {', '.join(names) or 'none'}; choose one with --arm")
    name = choice.arm or names[0]
    if name not in names:
        raise TrackingError(f"{where} has no finished training of the arm {name!r}; available: {', '.join(names)}")
    there = sorted((fold, seed) for arm, fold, seed in trainings if arm == name)
    matching = [(fold, seed) for fold, seed in there if choice.fold in (None, fold) and choice.seed in (None, seed)]
    if not matching:
        shown = ", ".join(f"fold {fold} seed {seed}" for fold, seed in there)
        raise TrackingError(f"{where}: the arm {name!r} has no network of this fold and seed; available: {shown}")
    arm = spec.arm(name)
    return tuple(
        Member(tuple(load((stream, *key)) for stream in arm.fuse or (name,)), arm if arm.is_fused else None)
        for key in (matching if choice.ensemble else matching[:1])
    )
