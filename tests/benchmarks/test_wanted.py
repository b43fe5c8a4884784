"""Targets are data: what the file says is what is printed, and every reason rests on a committed profile."""

from __future__ import annotations

import math
from typing import Any

import pytest

from benchmarks.record import RESULTS, read
from benchmarks.targets import counted, missed
from benchmarks.wanted import REASONS, REDUCTIONS, TARGETS, Reason, read_reasons, read_targets

ENTRY = """
[[target]]
what = "a"
source = "made_up"
path = ["numbers", "a"]
at_most = 20
unit = " s"
"""


def spread_of(median: float) -> dict[str, float]:
    return {"n": 3, "median": median, "min": median / 2, "max": 2 * median}


def test_a_target_is_read_with_its_bound_and_side() -> None:
    (target,) = read_targets(ENTRY)
    assert (target.wanted, target.where) == ("at most 20 s", "made_up.json > numbers > a")
    assert target.find({"numbers": {"a": spread_of(3.0)}})["median"] == 3.0
    assert target.met(20.0)
    assert not target.met(20.1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY.replace("at_most", "about"), "needs one of at_least and at_most"),
        (ENTRY + "at_least = 3\n", "needs one of at_least and at_most"),
        (ENTRY + 'reduce = "guess"\n', "reduction 'guess'; allowed: itself"),
        (ENTRY + ENTRY, "'a' is there twice"),
    ],
)
def test_a_faulty_target_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_targets(text)


def test_the_worst_case_counts_and_another_feature_does_not() -> None:
    cases = {
        "WAV, 1 process, librosa": spread_of(1.4),
        "WAV, 1 process, torchaudio": spread_of(1.1),
        "OGG, 2 processes, torchaudio": spread_of(0.9),
        "OGG, 2 processes, speechbrain": spread_of(0.5),
    }
    assert REDUCTIONS["slowest against librosa and torchaudio"](cases)["median"] == 0.9
    assert REDUCTIONS["slowest against librosa"](cases)["median"] == 1.4


def test_growth_is_compared_with_n_log_n() -> None:
    fair = [{"clips": n, "processor_seconds": 1e-3 * n * math.log(n)} for n in (2_000, 4_000, 8_000)]
    assert REDUCTIONS["over n log n"](fair)["median"] == pytest.approx(1.0)
    # What the finder took before chance candidates were bounded.
    before = [{"clips": n, "processor_seconds": s} for n, s in ((8_732, 173.0), (2_000, 24.0), (17_464, 466.0))]
    assert REDUCTIONS["over n log n"](before)["median"] == pytest.approx(1.73, abs=0.01)


def test_every_reason_is_of_a_target_and_rests_on_a_committed_profile() -> None:
    names = {target.what for target in TARGETS}
    for name, reason in REASONS.items():
        assert name in names, name
        source, *keys = reason.profile.split(" > ")
        assert (RESULTS / f"{source}.json").is_file(), name
        found: Any = read(source)
        for key in keys:
            found = found[key]
        assert found, name


def test_a_missed_target_is_printed_with_its_reason_or_as_unexplained() -> None:
    rows = [
        {"target": name, "wanted": "at least 2", "measured": measured, "met": met}
        for name, measured, met in (("a", "1.50", "no"), ("b", "1.00", "no"), ("c", "3.00", "yes"), ("d", "", ""))
    ]
    reasons = read_reasons('[[reason]]\ntarget = "a"\ntext = "It is slow."\nprofile = "floor > float32"\n')
    assert reasons == {"a": Reason("It is slow.", "floor > float32")}
    assert missed(rows, reasons) == [
        "a: 1.50, wanted at least 2. It is slow. (`floor > float32`)",
        "b: 1.00, wanted at least 2. Not explained yet.",
    ]
    assert counted(rows) == "Of 4 targets 1 are met, 2 are missed, 1 are not measured."


def test_a_file_without_reasons_has_none() -> None:
    assert read_reasons("# nothing is missed\n") == {}
