"""Files on another machine: found by content wherever they are, received once, and never taken for another."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from harness.errors import TrainingError
from harness.executors.node_files import Content, Contents, NodeFiles, missing_code
from harness.own_code import find_code
from harness.training.task import FoldTask
from tests.toys import N_CLASSES, task_of, write_segments

LABELS = np.arange(24, dtype=np.int64) % N_CLASSES


@pytest.fixture
def task(tmp_path: Path) -> FoldTask:
    (tmp_path / "there").mkdir()
    return task_of(write_segments(tmp_path / "there", LABELS), LABELS)


@pytest.fixture
def content(task: FoldTask) -> Content:
    return Contents().of([task])[0]


def test_a_shared_folder_is_used_as_it_is(task: FoldTask, content: Content, tmp_path: Path) -> None:
    files = NodeFiles(tmp_path / "cache")
    assert files.find(content) == Path(task.features.files[0])
    assert files.localised([task], Contents().of([task]))[0].features.files == task.features.files


def test_the_machine_s_own_cache_is_used_if_its_content_is_the_same(content: Content, tmp_path: Path) -> None:
    there = Path(content.path)
    mine = tmp_path / "cache" / there.parent.name / there.name
    mine.parent.mkdir(parents=True)
    data = there.read_bytes()
    there.unlink()
    mine.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert NodeFiles(tmp_path / "cache").find(content) is None
    mine.write_bytes(data)
    assert NodeFiles(tmp_path / "cache").find(content) == mine


def test_what_is_missing_is_received_and_found_by_every_process(
    task: FoldTask, content: Content, tmp_path: Path
) -> None:
    data = Path(content.path).read_bytes()
    contents = Contents().of([task])
    for each in contents:
        Path(each.path).rename(Path(each.path).with_suffix(".away"))
    files = NodeFiles(tmp_path / "cache")
    assert files.find(content) is None
    with pytest.raises(TrainingError, match="differs from the original"):
        files.receive(content, data + b"x")
    assert files.find(content) is None
    for each in contents:
        files.receive(each, Path(each.path).with_suffix(".away").read_bytes())
    other = NodeFiles(tmp_path / "cache").localised([task], contents)[0]
    assert all(str(tmp_path / "cache" / "received") in file for file in other.features.files)
    assert np.array_equal(other.features.load(), dataclasses.replace(other.features).load())
    assert other.digest == task.digest


def test_missing_and_changed_code_is_named(tmp_path: Path) -> None:
    assert missing_code(None) == ""
    (tmp_path / "mynet.py").write_text("def net(): ...\n")
    own = find_code({"mynet:net": "arm 'x': model"}, tmp_path)
    assert missing_code(own) == ""
    (tmp_path / "mynet.py").write_text("def net(): return 1\n")
    assert "mynet.py differs there" in missing_code(own)
    (tmp_path / "mynet.py").unlink()
    assert "mynet.py is missing there" in missing_code(own)
