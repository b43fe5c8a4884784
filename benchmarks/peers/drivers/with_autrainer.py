"""autrainer: ``autrainer train`` with a configuration in files, and its defaults wherever the benchmark fixes nothing.

Items are files, one each, as ``autrainer preprocess`` leaves them; each epoch ends with an evaluation, which is not
counted, on one batch.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

from benchmarks.peers.drivers.job import Job, conversation, job

CONFIG = """
defaults:
  - _autrainer_
  - _self_

results_dir: results
experiment_id: race
iterations: {epochs}
device: cpu
progress_bar: false
callbacks:
  - benchmarks.peers.drivers.autrainer_parts.Hooks

hydra:
  sweeper:
    params:
      +seed: 1
      +batch_size: {batch}
      +learning_rate: {lr}
      dataset: Items
      model: Network
      optimizer: Momentum
"""
DATASET = """
id: Items
_target_: benchmarks.peers.drivers.autrainer_parts.Items
path: {items}
features_subdir: default
index_column: file
target_column: label
file_type: npy
file_handler: autrainer.datasets.utils.NumpyFileHandler
criterion: autrainer.criterions.CrossEntropyLoss
metrics:
  - autrainer.metrics.Accuracy
tracking_metric: autrainer.metrics.Accuracy
train_loader_kwargs:
  num_workers: {loader_workers}
transform:
  type: grayscale
"""
MODEL = """
id: Network
_target_: benchmarks.peers.drivers.autrainer_parts.Network
transform:
  type: grayscale
"""
OPTIMIZER = """
id: Momentum
_target_: torch.optim.SGD
momentum: {momentum}
weight_decay: {weight_decay}
apply_weight_decay_to_bias: true
apply_weight_decay_to_norm: true
"""


def configured(asked: Job, folder: Path) -> None:
    """Write the configuration of ``asked`` into ``folder``."""
    files = {"config": CONFIG, "dataset/Items": DATASET, "model/Network": MODEL, "optimizer/Momentum": OPTIMIZER}
    for name, text in files.items():
        path = folder / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(**vars(asked)), encoding="utf-8")


def main() -> None:
    """Train."""
    asked = job()
    conversation()
    torch.set_num_threads(asked.threads)
    configured(asked, Path(asked.scratch))
    os.chdir(asked.scratch)
    del sys.argv[1:]
    import autrainer.cli

    autrainer.cli.train()


if __name__ == "__main__":
    main()
