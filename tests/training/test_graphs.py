"""The recorded step against the plain one, on the CPU: equal to the bit in everything but the recording itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.models.build import build_model
from harness.study import TrainSection
from harness.training.augment import Batch
from harness.training.graphs import GraphLearner
from harness.training.learner import Learner
from tests.toys import N_CLASSES, settings_of

CPU = torch.device("cpu")
SHAPE = (1, 9, 8)
FULL, LAST = 8, 5


def learner_of(kind: type[Learner], train: TrainSection, seed: int = 0, weights: np.ndarray | None = None) -> Learner:
    settings = settings_of()
    torch.manual_seed(seed)
    return kind(build_model("su4", settings.model, SHAPE, N_CLASSES), train, CPU, weights)


def batches(train: TrainSection, seed: int = 0, n: int = 3) -> list[Batch]:
    """Return full batches and a smaller last one, mixed where the settings mix."""
    rng = torch.Generator().manual_seed(seed)
    made = []
    for size in [FULL] * n + [LAST]:
        x = torch.randn(size, *SHAPE, generator=rng).contiguous(memory_format=torch.channels_last)
        labels = torch.randint(0, N_CLASSES, (size,), generator=rng)
        share = 0.5 + torch.rand(size, generator=rng) / 2
        made.append(Batch(x, labels, labels.roll(1), share) if train.mixup else Batch(x, labels))
    return made


def trained(learner: Learner, train: TrainSection, epochs: int = 3, seed: int = 0) -> list[tuple[float, float]]:
    """Train with dropout from ``seed``, the rate halved in each epoch; return each epoch's loss and accuracy."""
    torch.manual_seed(100 + seed)
    rows = []
    learner.model.train()
    for epoch in range(epochs):
        learner.set_rate(train.lr / 2**epoch)
        for batch in batches(train, seed):
            learner.step(batch)
        rows.append(learner.tally())
    return rows


def same_state(first: Learner, second: Learner) -> bool:
    left, right = first.state(), second.state()
    optimizers = [learner._optimizer.state_dict()["state"] for learner in (first, second)]
    return all(torch.equal(left[name], right[name]) for name in left) and all(
        torch.equal(torch.as_tensor(value), torch.as_tensor(optimizers[1][index][name]))
        for index, state in optimizers[0].items()
        for name, value in state.items()
        if value is not None
    )


VARIANTS = [
    {},
    {"momentum": 0.0},
    {"optimizer": "adam", "lr": 0.0013},
    {"optimizer": "adamw", "precision": "bfloat16"},
    {"mixup": 0.3},
    {"precision": "bfloat16"},
]


def section(**values: object) -> TrainSection:
    return TrainSection(**{"batch_size": FULL, "lr": 0.01, **values})


@pytest.mark.parametrize("values", VARIANTS)
@pytest.mark.parametrize("weighted", [False, True])
def test_equal_to_the_plain_learner_to_the_bit(values: dict[str, object], weighted: bool) -> None:
    train = section(**values)
    weights = np.array([1.0, 2.5, 0.5], dtype=np.float32) if weighted else None
    plain, fast = (learner_of(kind, train, weights=weights) for kind in (Learner, GraphLearner))
    assert trained(plain, train) == trained(fast, train)
    assert same_state(plain, fast)


def test_full_batches_go_through_the_recording_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    train = section()
    learner = learner_of(GraphLearner, train)
    seen: list[int] = []
    update = Learner._update

    def watched(self: Learner, batch: Batch) -> None:
        seen.append(batch.x.data_ptr())
        update(self, batch)

    monkeypatch.setattr(Learner, "_update", watched)
    given = batches(train)
    for batch in given:
        learner.step(batch)
    fixed = learner._fixed.x.data_ptr()
    # Three to warm up, three full batches, all on the fixed memory; the last batch where it lies.
    assert seen == [fixed] * 6 + [given[-1].x.data_ptr()]


@pytest.mark.parametrize("values", VARIANTS)
def test_the_warm_up_leaves_no_trace(values: dict[str, object]) -> None:
    train = section(**values)
    learner = learner_of(GraphLearner, train)
    learner.model.train()
    state, generator = learner.state(), torch.get_rng_state()
    batch = batches(train)[0]
    learner._record(batch)
    assert all(torch.equal(value, state[name]) for name, value in learner.state().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(not value.any() for value in learner._optimizer_state())
    assert learner.tally() == (0.0, 0.0)


def test_a_recording_in_the_middle_keeps_what_was_learnt() -> None:
    """A training whose first batch is a small one has an optimiser state before anything is recorded."""
    train = section(optimizer="adam")
    plain, fast = (learner_of(kind, train) for kind in (Learner, GraphLearner))
    for learner in (plain, fast):
        torch.manual_seed(5)
        learner.model.train()
        for batch in reversed(batches(train)):
            learner.step(batch)
    assert same_state(plain, fast)


@pytest.mark.parametrize("values", VARIANTS)
def test_a_second_training_through_the_same_step_equals_a_fresh_one(values: dict[str, object]) -> None:
    train = section(**values)
    used = learner_of(GraphLearner, train, weights=np.array([3.0, 1.0, 1.0], dtype=np.float32))
    trained(used, train, seed=1)
    used.step(batches(train)[0])
    recording, weights = used._replay, np.array([1.0, 2.0, 4.0], dtype=np.float32)
    torch.manual_seed(2)
    used.restart(build_model("su4", settings_of().model, SHAPE, N_CLASSES), weights)
    fresh = learner_of(GraphLearner, train, seed=2, weights=weights)
    assert trained(used, train, seed=2) == trained(fresh, train, seed=2)
    assert same_state(used, fresh)
    assert used._replay is recording


def test_class_weights_cannot_come_or_go() -> None:
    learner = learner_of(GraphLearner, section())
    with pytest.raises(ValueError, match="class weights"):
        learner.restart(learner.model, np.ones(N_CLASSES, dtype=np.float32))
