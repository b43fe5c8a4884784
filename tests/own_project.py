"""Projects of a user's own outside the package: WAV files in three classes, a CSV file, code, claims and a study.

``python tests/own_project.py FOLDER`` writes them into a folder, for runs of the installed wheel.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import soundfile

CLASSES = ("Café, alt", "kettle", "tap")

NETWORK = """
from torch import nn

from blocks import convolution


class Net(nn.Module):
    def __init__(self, input_shape, n_classes, width=8):
        super().__init__()
        self.body = nn.Sequential(convolution(input_shape[0], width), nn.Flatten(), nn.LazyLinear(n_classes))
        self.body(__import__("torch").zeros(2, *input_shape))

    def forward(self, x):
        return self.body(x)
"""

BLOCKS = """
from torch import nn


def convolution(channels, width):
    return nn.Sequential(nn.Conv2d(channels, width, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d((8, 1)))
"""

FEATURES = """
import torch
from torch.nn import functional as F


def energy(waves, sample_rate, hop_length, bands=4):
    window = torch.hann_window(512)
    spectrum = torch.stft(waves, 512, hop_length, window=window, return_complex=True).abs()
    return torch.stack([part.mean(1) for part in spectrum[:, :256].chunk(bands, 1)], 1).log1p()


def wiggle(x):
    return x + 0.01 * torch.randn_like(x)


def smooth(logits, targets):
    return F.cross_entropy(logits, targets, label_smoothing=0.1)


def plain_sgd(parameters, lr, weight_decay):
    return torch.optim.SGD(parameters, lr=lr, weight_decay=weight_decay)
"""

CLAIMS = """
[source]
key = "kitchens"
title = "Hearing kitchens"
authors = "the test suite"
year = 2026
unpublished = "this file"

[[table]]
id = "T1"
title = "made for this test"
where = "here"
role = "claim"
dataset = "kitchen"
estimand = "macro"
split = "official"
folds = 3

[[table.column]]
name = "Net"
system = "a small network"
value = "92.0"
"""

STUDY = """
[study]
name = "kitchen"
question = "Does a small network hear the kitchen?"
seed = 1

[data]
dataset = "csv"
name = "kitchen"
metadata = "my/clips.csv"

[features]
segment_frames = 20
segment_hop = 10

[features.sets.mel16]
plane = "log-mel"
n_mels = 16

[features.sets.mel32]
plane = "log-mel"
n_mels = 32

[features.sets.energy]
plane = "myfeatures:energy"
bands = 6

[features.sets.both]
planes = ["mel16", "energy"]

[train]
epochs = 2
lr = 0.01
optimizer = "adamw"

[evaluate]
contrasts = [["mel32", "mel16"]]

[tracking]
system_metrics = false

[[arms]]
name = "mel16"
model = "mynet:Net"
model_args = { width = 4 }
features = "mel16"

[[arms]]
name = "mel32"
model = "mynet:Net"
features = "mel32"

[[arms]]
name = "own parts"
model = "mynet:Net"
features = "both"

[arms.set]
"train.loss" = "myfeatures:smooth"
"train.optimizer" = "myfeatures:plain_sgd"
"train.augment" = ["myfeatures:wiggle"]

[[compare]]
claim = "kitchens:T1/Net"
arm = "mel16"
"""


HOLDOUT = """
[study]
name = "rooms"
[data]
dataset = "csv"
name = "rooms"
metadata = "my/clips.csv"
[features.sets.vectors]
file = "vectors.npz"
[train]
epochs = 30
lr = 0.05
optimizer = "adamw"
[evaluate]
seeds = 2
[tracking]
system_metrics = false
[[arms]]
name = "linear"
model = "linear"
features = "vectors"
[[arms]]
name = "mlp"
model = "mlp"
model_args = { hidden = 8 }
features = "vectors"
"""


def write_clips(folder: Path, folds: tuple[object, ...] = (1, 2, 3), recordings: int = 2) -> list[dict[str, object]]:
    """Write WAV files of several rates and lengths below ``folder``/audio, and clips.csv; return its rows."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    (folder / "audio").mkdir(parents=True)
    for part, fold in enumerate(folds):
        for label, (name, tone) in enumerate(zip(CLASSES, (300, 1200, 4000), strict=True)):
            for recording in range(recordings):
                for take in "ab":
                    rate = (16_000, 22_050, 44_100)[recording % 3]
                    samples = int(rate * rng.uniform(0.6, 1.4))
                    wave = 0.3 * np.sin(2 * np.pi * tone * np.arange(samples) / rate) + 0.05 * rng.standard_normal(
                        samples
                    )
                    file = f"audio/{part}-{label}-{recording}{take}.wav"
                    soundfile.write(folder / file, wave.astype(np.float32), rate)
                    rows.append({"file": file, "label": name, "fold": fold, "recording": f"r{part}{label}{recording}"})
    write_table(folder / "clips.csv", rows)
    return rows


def write_table(file: Path, rows: list[dict[str, object]]) -> None:
    """Write a CSV file with a header."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        table = csv.DictWriter(opened, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def write_project(folder: Path) -> Path:
    """Write all of the project into ``folder`` and return the study file."""
    write_clips(folder / "my")
    (folder / "claims").mkdir()
    files = {
        "mynet.py": NETWORK,
        "blocks.py": BLOCKS,
        "myfeatures.py": FEATURES,
        "claims/kitchens.toml": CLAIMS,
        "study.toml": STUDY,
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder / "study.toml"


def write_holdout(folder: Path) -> Path:
    """Write a hold-out data set, vectors of its clips and a study of probes into ``folder``; return the study file."""
    rows = write_clips(folder / "my", folds=("train", "validation", "test"), recordings=3)
    rng = np.random.default_rng(0)
    vectors = {
        str(row["file"]).removesuffix(".wav"): 3 * np.eye(6)[CLASSES.index(str(row["label"]))] + rng.standard_normal(6)
        for row in rows
    }
    np.savez(folder / "vectors.npz", **vectors)
    (folder / "study.toml").write_text(HOLDOUT, encoding="utf-8")
    return folder / "study.toml"


if __name__ == "__main__":
    for name, write in (("project", write_project), ("holdout", write_holdout)):
        place = Path(sys.argv[1]) / name
        place.mkdir(parents=True)
        write(place)
