"""A study on real ESC-10 with three nodes, of which one dies, and an interruption equals that of one machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli import cli
from harness.executors.events import Event, Finished, Take
from harness.running.reports import Outcome, ReportKind
from tests.ray_cluster import Killing, add_node, local_cluster
from tests.running.study import run, same, spec_of
from tests.two_machines import STUDY as TINY

STUDY: dict[str, Any] = {
    "data": {"dataset": "esc10", "folds": (1, 2, 3)},
    "features": {"image": {"rows": 32, "columns": 32}},
    "train": {"epochs": 2, "batch_size": 32, "optimizer": "adamw", "lr": 0.001},
    "arms": [
        {"name": "mel", "model": "resnet18", "features": "image:mel"},
        {"name": "MFCC", "model": "resnet18", "features": "image:mfcc", "search": False},
        {"name": "both", "fuse": ["mel", "MFCC"], "rule": "dempster-shafer"},
    ],
    "search": {
        "trials": 2,
        "parallel_trials": 2,
        "space": {"train.lr": {"low": 0.0003, "high": 0.003, "log": True}},
    },
    "evaluate": {"folds": [1, 3]},
}


class Interrupted(Killing):
    """Is interrupted, as by Ctrl-C, after five trainings."""

    def run(self, take: Take, on_event: Callable[[Event], None]) -> None:
        finished = 0

        def count(event: Event) -> None:
            nonlocal finished
            on_event(event)
            finished += isinstance(event, Finished)
            if finished == 5:
                raise KeyboardInterrupt

        super().run(take, count)


@pytest.mark.slow
def test_a_plan_counts_the_room_of_a_cluster(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    with local_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        add_node(cluster, cores=2)
        add_node(cluster, cores=1)
        asked = ["plan", str(tmp_path / "tiny.toml"), "--data-root", str(tmp_path), "--device", "cpu"]
        asked += ["--executor", "ray", "--address", cluster.address]
        found = [CliRunner().invoke(cli, [*asked, *more]) for more in ([], ["--workers", "2"])]
    for result, workers in zip(found, (3, 2), strict=True):
        assert result.exit_code == 0, result.output
        assert f"{workers} workers" in result.output


@pytest.mark.slow
def test_three_nodes_of_which_one_dies_give_what_one_machine_gives(
    esc_root: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "data").symlink_to(esc_root)

    def study(name: str, **changes: Any) -> Outcome:
        return run(spec_of(**STUDY), tmp_path / name, shared, report=ReportKind.NONE, **changes)[0]

    alone = study("alone")
    with local_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        nodes = [add_node(cluster) for _ in range(3)]
        first = Interrupted(cluster, nodes, shared / "cache", 3)
        with pytest.raises(KeyboardInterrupt):
            study("nodes", executor=lambda _: first)
        assert first.killed
        assert len(nodes) == 2
        # The same command goes on with what is left.
        again = study("nodes", executor=lambda _: Killing(cluster, nodes, shared / "cache", 1000))
    same(again.record.predictions, alone.record.predictions)
    finished = again.record.folds[again.record.folds["status"] == "FINISHED"]
    assert len(finished) == len(alone.record.folds) == 2 * (2 + 1) + 2 + 2
    assert again.failures == ()
