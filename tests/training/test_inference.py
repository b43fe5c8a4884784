"""Predictions of many items: in batches of a fixed size, which changes nothing but memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from harness.features.cache.feature_store import FeatureRef
from harness.models.build import build_model
from harness.study import ModelSection
from harness.training.inference import all_logits
from harness.training.isolation import isolated
from harness.training.resident import Resident

N_ITEMS = 75


class Counting(nn.Module):
    """A network that notes how many items it gets at once."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.seen: list[int] = []

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the network's outputs."""
        self.seen.append(len(x_BCHW))
        logits: Tensor = self.model(x_BCHW)
        return logits


def test_a_part_is_predicted_in_batches_no_larger_than_a_training_step(tmp_path: Path) -> None:
    device, items = torch.device("cpu"), torch.arange(N_ITEMS)
    image = np.random.default_rng(0).normal(size=(N_ITEMS, 20, 16)).astype(np.float32)
    np.save(tmp_path / "plane.npy", image)
    features = FeatureRef("x", "image", ("a",), (str(tmp_path / "plane.npy"),), np.zeros(0, dtype=np.int64), 0, 0, "")
    with isolated(device, 0, 1), torch.inference_mode():
        model = Counting(build_model("su4", ModelSection(), (1, 20, 16), 10).to(memory_format=torch.channels_last))
        resident = Resident(features, device)
        logits = all_logits(model, resident, items, bfloat16=False)
        assert model.seen == [32, 32, 11]
        torch.testing.assert_close(logits, model.model(resident.gather(items)), rtol=1e-5, atol=1e-5)
