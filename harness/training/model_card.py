"""The model card of an exported network: Markdown with the YAML header that model hubs read."""

from __future__ import annotations

from typing import Any

import yaml

from harness.text.printable import printable
from harness.training.trained import TrainedNetwork

CARD = "README.md"


def model_card(network: TrainedNetwork) -> str:
    """Return the card of ``network``.

    Its header is that of Hugging Face's model cards, with the accuracy on the test fold as evaluation result.
    """
    data = network.spec.data.name
    settings = network.settings
    header: dict[str, Any] = {
        "library_name": "harness",
        "pipeline_tag": "audio-classification",
        "tags": ["audio-classification", "sound-classification"],
    }
    if "test" in network.accuracies:
        metric = {
            "type": "macro_accuracy",
            "name": f"macro accuracy on test fold {network.fold}",
            "value": network.accuracies["test"],
        }
        task = {"type": "audio-classification", "name": "Sound classification"}
        results = [{"task": task, "dataset": {"type": _type(data), "name": data}, "metrics": [metric]}]
        header["model-index"] = [{"name": network.title, "results": results}]
    parts = ", ".join(f"{part} {100 * value:.1f} %" for part, value in sorted(network.accuracies.items()))
    lines = [
        f"# {_plain(network.title)}",
        f"{_plain(settings.model_name)} on {_plain(settings.features_name)}, trained by the study "
        f"`{_plain(network.spec.study.name)}` on {_plain(data)}; fold {network.fold} was not trained on.",
        f"Macro accuracy of this one training: {parts or 'not recorded'}. It is one fold and one seed; the study's "
        "report has the mean and its uncertainty.",
        f"Classes ({len(network.classes)}): {', '.join(_plain(name) for name in network.classes)}. A sound of none of "
        "them gets the one that it resembles most.",
        f"Recordings of at most {network.longest_seconds:g} s are classified as a whole, longer ones in windows of "
        f"{network.clip_seconds:g} s.",
        "## Use",
        "    harness predict FOLDER recording.wav",
        'In Python: `harness.load_model("FOLDER").predict(["recording.wav"])`. `network.json` has the settings of '
        "features and network, and the statistics that normalise the input; `weights.safetensors` the weights.",
        "The licence of the weights is not stated; the recordings they were trained on have that of their data set.",
    ]
    return f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---\n\n" + "\n\n".join(lines) + "\n"


def _type(name: str) -> str:
    return "".join(sign if sign.isalnum() else "-" for sign in name.lower())


def _plain(text: str) -> str:
    """Return ``text`` without signs that Markdown or HTML would read as markup."""
    return "".join("-" if sign in "<>`[]*|\\" else sign for sign in printable(text))
