"""Commands that use trained networks: classify recordings, export networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.shared_options import JSON, STUDY_FOLDER, TRACKING

if TYPE_CHECKING:
    from harness.running.prediction import Predictor


def _choice(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose among the trainings of a run."""
    for option in (
        STUDY_FOLDER,
        TRACKING,
        click.option("--ensemble", is_flag=True, help="Use all folds and seeds that match, not the first alone."),
        click.option("--seed", type=click.IntRange(0, 1000), help="Index of the seed.  [default: the first]"),
        click.option(
            "--fold",
            type=click.IntRange(1, 1000),
            help="Test fold, on which the network was not trained.  [default: the first]",
        ),
        click.option("--arm", help="Arm; a fused arm predicts by its streams.  [default: the only one]"),
    ):
        command = option(command)
    return command


@click.command("predict", short_help="Classify recordings by a trained network.")
@click.argument("network", metavar="RUN|REPORT|FOLDER")
@click.argument("recordings", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@_choice
@click.option("--top", type=click.IntRange(1, 1000), default=3, show_default=True, help="Classes shown per window.")
@click.option(
    "--hop",
    type=click.FloatRange(0.01, 60),
    help="Seconds between windows of a long recording.  [default: the length of a window]",
)
@click.option("--csv", type=click.Path(path_type=Path, dir_okay=False), help="Write all probabilities to this file.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw each recording's probabilities over time into this PNG file.",
)
@click.option("--device", default="cpu", show_default=True, help="Device of the network: auto, cpu, cuda or cuda:N.")
@JSON
def predict_command(
    network: str,
    recordings: tuple[Path, ...],
    top: int,
    hop: float | None,
    csv: Path | None,
    plot: Path | None,
    device: str,
    as_json: bool,
    **chosen: Any,  # of _choice
) -> None:
    """Classify the recordings FILE... by trained networks.

    RUN is the id of a study, arm or fold run, or models:/m-... of a logged model of MLflow; REPORT the folder of a
    report whose runs are in the tracking store; FOLDER one to which harness export wrote. WAV, FLAC, Ogg, MP3 and other
    formats of libsndfile are read, at any sample rate. A recording that is longer than the longest clip of the data set
    is cut into windows of a clip's median length.

    Probabilities are those of the network's classes alone: a sound of no class gets the one that it resembles most.
    """
    from harness.cli.output.show_predictions import show_predictions
    from harness.devices import resolve_device
    from harness.system.writing import write_atomically
    from harness.terminal.progress import Terminal
    from harness.text.spreadsheet import csv_text

    predictor = _open(network, **chosen)
    with Terminal() as progress:
        progress.begin("windows", "windows", predictor.count_windows(recordings, hop))
        table = predictor.predict(
            recordings,
            hop=hop,
            device=resolve_device(device),
            on_window=lambda done: progress.advance("windows", done),
        )
        progress.end("windows")
    if csv is not None:
        text = csv_text(table)
        write_atomically(csv, lambda path: path.write_text(text, encoding="utf-8"))
    if plot is not None:
        from harness.report.prediction_picture import predictions_png

        picture = predictions_png(table, predictor.title)
        write_atomically(plot, lambda path: path.write_bytes(picture))
    show_predictions(predictor, table, top, as_json=as_json)


@click.command("export", short_help="Write a trained network to a folder.")
@click.argument("network", metavar="RUN|REPORT|FOLDER")
@_choice
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write; made if missing.",
)
@click.option(
    "--onnx", is_flag=True, help="Also write network.onnx, checked against torch; needs pip install 'harness[onnx]'."
)
def export_command(
    network: str,
    output: Path,
    onnx: bool,
    **chosen: Any,  # of _choice
) -> None:
    """Write a trained network to a folder, from which harness predict and harness.load_model read it anywhere.

    The folder holds the weights (safetensors), and a JSON file with classes, settings of features and network, the
    normaliser, and the versions it was trained with.
    """
    from harness.terminal.printing import say

    predictor = _open(network, **chosen)
    for trained, folder in predictor.export(output):
        say(f"{folder}: {trained.title}")
        if onnx:
            path, difference = predictor.write_onnx(trained, folder)
            say(f"{path}: probabilities differ from torch by {difference:.1e} at most")
    say(f"use it with: harness predict {output} FILE.wav" + (" --ensemble" if chosen["ensemble"] else ""))


def _open(
    network: str,
    *,
    arm: str | None,
    fold: int | None,
    seed: int | None,
    ensemble: bool,
    tracking_uri: str | None,
    study_folder: Path | None,
) -> Predictor:
    from harness.running.prediction import Choice, open_predictor
    from harness.study.sections import TrackingSection

    return open_predictor(
        network, Choice(arm, fold, seed, ensemble), tracking_uri or TrackingSection().uri, study_folder
    )
