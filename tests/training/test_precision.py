"""bfloat16 is refused where it would be emulated, and only there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from harness.errors import TrainingError
from harness.training import precision
from harness.training.loop import train_fold
from harness.training.precision import check_precision, has_bfloat16, lacks_bfloat16_instructions
from harness.training.task import FoldTask
from tests.toys import settings_of

CPU = torch.device("cpu")


def without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda _: False)


def test_the_processor_is_asked_as_torch_asks_it() -> None:
    level = torch.backends.cpu.get_cpu_capability()
    if level == "AVX2":
        assert not has_bfloat16(CPU)
    elif level.startswith("AVX512"):
        assert has_bfloat16(CPU)
    else:
        pytest.skip(f"no reference for processor level {level}")


@pytest.mark.parametrize(
    ("level", "own", "slow"),
    [("AVX512", False, True), ("AVX512", True, False), ("AVX512_VNNI", False, True), ("AVX2", False, False)],
)
def test_where_bfloat16_is_converted(monkeypatch: pytest.MonkeyPatch, level: str, own: bool, slow: bool) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: level)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: own)
    assert lacks_bfloat16_instructions(CPU) is slow


def test_a_torch_that_cannot_tell_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert not lacks_bfloat16_instructions(CPU)


def test_a_build_without_onednn_has_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not has_bfloat16(CPU)


def test_what_is_refused_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch)
    check_precision("float32", CPU, "arm 'A'")
    with pytest.raises(TrainingError, match=r"^arm 'A': .+ has no bfloat16 arithmetic .+--set train.precision=float32"):
        check_precision("bfloat16", CPU, "arm 'A'")


def test_a_training_is_refused_too(make_task: Callable[..., FoldTask], monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch)
    with pytest.raises(TrainingError, match="has no bfloat16 arithmetic"):
        train_fold(make_task(settings=settings_of(precision="bfloat16", epochs=1)))
    train_fold(make_task(settings=settings_of(epochs=1)))


def test_bfloat16_is_refused_on_mps() -> None:
    check_precision("float32", torch.device("mps"), "arm 'A'")
    with pytest.raises(TrainingError, match=r"^arm 'A': bfloat16 is not supported on mps.*--set train.precision=flo"):
        check_precision("bfloat16", torch.device("mps"), "arm 'A'")
