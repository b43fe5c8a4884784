"""Reading results.json: the parts used by a replay, an overview or a rewritten report.

The file contains more (results.schema.json); what is not read here follows from the predictions. Versions 2 and 3 are
supported.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.choices import ReadAs
from harness.errors import ReportError
from harness.study import StudySpec
from harness.text.messages import shortened

RESULTS = "results.json"
MOST_BYTES = 256 * 2**20
"""Limit on the file's size in bytes; a report of 200 arms with every pair compared takes about 100 MB."""
_DEEPEST = 40
_LARGEST = 2**63 - 1
_AGAIN = "take the folder from where it was published again, or write it from its record: harness report STUDY"

Fold = Annotated[int, Field(ge=1, le=1000)]
FoldKey = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$")]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
Points = Annotated[float, Field(ge=-1e6, le=1e6)]
Phase = Literal["search", "survey", "final"]


class Part(BaseModel):
    """A part of results.json; keys that are not read are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class Study(Part):
    """The study run."""

    name: str
    run_id: str
    status: Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
    seconds: Annotated[float, Field(ge=0, le=1e12)]


class Protocol(Part):
    """Which folds were tested, of which."""

    official_folds: list[Fold]
    expected_folds: list[Fold]
    tested_folds: list[Fold]
    partial: bool


class Data(Part):
    """The data set."""

    dataset: str


class Chosen(Part):
    """The trial of an arm and a fold; the values that it was trained with are further keys."""

    model_config = ConfigDict(extra="allow")

    arm: str
    fold: Fold
    trial: Count | None

    def values_of(self, spec: StudySpec) -> dict[str, Any]:
        """Return the values of what ``spec`` searched, by dotted name; what has none is left out."""
        given = self.model_extra or {}
        return {name: given[name] for name in spec.search.space if given.get(name) is not None}


class Selection(Part):
    """The values that a search chose."""

    chosen: list[Chosen]


class Run(Part):
    """A final training."""

    fold: Fold
    seed: Seed
    n_clips: Annotated[float, Field(gt=0, le=2**53)]


class FoldScores(Part):
    """What an overview takes from a fold."""

    clip_accuracy: Fraction | None
    macro_accuracy: Fraction | None


class Arm(Part):
    """An arm with its trainings."""

    name: str
    learnt: Fraction | None = None
    runs: list[Run]
    folds: list[FoldScores]


class Trial(Part):
    """A trial of a search."""

    trial: Count
    state: Literal["complete", "pruned", "failed"]
    values: dict[str, bool | int | float | str | None]
    validation_macro_accuracy: dict[FoldKey, Fraction | None]
    stopped: dict[FoldKey, Count] = {}
    error: str


class Search(Part):
    """The search of an arm."""

    arm: str
    trials: Annotated[list[Trial], Field(min_length=1)]
    chosen: dict[FoldKey, Count]
    importance: dict[str, Fraction]


class Leakage(Part):
    """What the parts of a fold share; see :class:`harness.data.leakage.LeakageReport`."""

    protocol: str
    fold: Fold
    final_train: str | None = None
    unit: str
    n_test: Count
    n_test_sharing_recording: Count
    n_test_sharing_clip: Count
    n_validation: Count
    n_validation_sharing_recording: Count
    n_validation_sharing_clip: Count
    recordings: list[str]


class Failure(Part):
    """A training that did not finish."""

    arm: str
    phase: Phase
    trial: Count | None
    fold: Fold
    seed: Seed
    status: str
    error: str


class Gpu(Part):
    """A graphics processor."""

    name: str


class Hardware(Part):
    """The machine."""

    cpu: str | None = None
    cores_usable: Count | None = None
    memory_bytes: Count | None = None
    gpus: list[Gpu] = []


class Python(Part):
    """The interpreter."""

    version: str | None = None
    implementation: str | None = None


class Git(Part):
    """The code."""

    commit: str | None = None
    dirty: bool | str | None = None
    unknown: str | None = None


class JoinedPart(Part):
    """A part of a study that was trained in a store of its own."""

    run_id: str
    arms: list[str]
    seconds: Annotated[float, Field(ge=0)]
    hardware: Hardware = Hardware()
    platform: str | None = None
    git: Git = Git()
    command: str = ""


class Environment(Part):
    """What the study ran on; ``parts`` of a report that joins several."""

    harness: str | None = None
    python: Python = Python()
    packages: dict[str, str] = {}
    hardware: Hardware = Hardware()
    platform: str | None = None
    git: Git = Git()
    command: str = ""
    digests: dict[str, str | dict[str, str]] = {}
    declared_later: list[str] = []
    parts: list[JoinedPart] = []


class Effect(Part):
    """The effect of one protocol on one network, in percent and points.

    See :class:`harness.comparisons.protocols.ProtocolEffect`.
    """

    network: str
    arm: str
    split: str
    epoch_rule: str
    final_train: str
    folds: dict[FoldKey, Percent]
    mean: Percent
    sd: Points | None
    shift: Points | None
    low: Points | None
    high: Points | None
    p: Fraction | None
    p_adjusted: Fraction | None
    paired: bool | None
    recordings_low: Points | None
    recordings_high: Points | None


class Claim(Part):
    """A published accuracy."""

    percent: Percent
    class_: Annotated[str | None, Field(alias="class")]
    address: str = ""


class Comparison(Part):
    """An arm compared with a published accuracy."""

    claim: Claim
    arm: str
    estimand: str
    read_as: Annotated[ReadAs, Field(alias="as")] = ReadAs.REPLICATION
    mean: Percent | None = None
    verdict: str | None = None
    reason: str | None = None


class Results(Part):
    """What is read from a results.json; ``spec`` is validated as a study where it is used."""

    version: Annotated[Literal[2, 3], Field(alias="schema")]
    study: Study
    protocol: Protocol
    data: Data
    classes: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, max_length=10_000)]
    selection: Selection
    arms: Annotated[list[Arm], Field(min_length=1)]
    comparisons: list[Comparison]
    protocol_effects: list[Effect] = []
    searches: list[Search]
    leakage: list[Leakage]
    failures: list[Failure]
    devices: list[str] = []
    environment: Environment
    spec: dict[str, Any]

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        for what, names in (
            ("classes", self.classes),
            ("arms", [arm.name for arm in self.arms]),
            ("searches", [search.arm for search in self.searches]),
            ("selection.chosen", [(row.arm, row.fold) for row in self.selection.chosen]),
            ("arms.runs", [(arm.name, run.fold, run.seed) for arm in self.arms for run in arm.runs]),
        ):
            if twice := _first_twice(names):
                raise ValueError(f"{what}: {twice[0]!r} is named twice")
        for what, arms in (
            ("comparisons", [each.arm for each in self.comparisons]),
            ("searches", [each.arm for each in self.searches]),
            ("selection.chosen", [each.arm for each in self.selection.chosen]),
            ("failures", [each.arm for each in self.failures]),
        ):
            known = {arm.name for arm in self.arms}
            for arm in arms:
                if arm not in known:
                    raise ValueError(f"{what}: {arm!r} is not among the arms")
        if len({row.final_train is None for row in self.leakage}) > 1:
            raise ValueError("leakage: final_train is given in some rows only")
        return self


def read_results(folder: Path) -> tuple[dict[str, Any], Results]:
    """Return results.json of the report in ``folder``: as JSON data, and as parsed.

    Raises
    ------
    ReportError
        When it cannot be read or its version is not supported; names the place within it and the value.
    """
    path = folder / RESULTS
    found = _json(path)
    if not isinstance(found, dict):
        _refuse(path, f"$: expected an object, received {_show(found)}")
    for fault in _unfit(found, "$"):
        _refuse(path, fault)
    try:
        return found, Results.model_validate(found)
    except ValidationError as error:
        first, *others = error.errors(include_url=False)
        place = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        received = "" if first["type"] in ("missing", "value_error") else f", received {_show(first['input'])}"
        more = f" (and {len(others)} more faults)" if others else ""
        _refuse(path, f"{place}: {message[:1].lower()}{message[1:]}{received}{more}")


def _json(path: Path) -> Any:
    try:
        if not path.is_file():
            raise ReportError(f"{path}: no such file; name a folder that harness run-study wrote a report into")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ReportError(f"{path}: cannot read the report: {error.strerror or error}") from None
    if len(content) > MOST_BYTES:
        _refuse(path, f"longer than {MOST_BYTES >> 20} MiB, which no report is")
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        _refuse(path, f"not UTF-8 text (byte {error.start})")
    except ValueError as error:  # also raised for an integer of thousands of digits
        _refuse(path, f"not valid JSON: {error}")
    except RecursionError:
        _refuse(path, "not valid JSON: nested too deeply")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; refuse one with a duplicate key, which would be ambiguous."""
    if twice := _first_twice([name for name, _ in pairs]):
        raise ValueError(f"the key {_show(twice[0])} is given twice in one object")
    return dict(pairs)


def _first_twice(names: Sequence[Any]) -> list[Any]:
    seen: set[Any] = set()
    for name in names:
        if name in seen:
            return [name]
        seen.add(name)
    return []


def _unfit(value: Any, place: str, depth: int = 0) -> Iterator[str]:
    """Yield what no report contains but JSON permits: infinite and huge numbers, lone surrogates, deep nesting."""
    if depth > _DEEPEST:
        yield f"{place[:200]}: nested deeper than {_DEEPEST} levels"
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _unfit(name, f"{place} (a key)", depth + 1)
            yield from _unfit(entry, f"{place}.{name}", depth + 1)
    elif isinstance(value, list):
        for position, entry in enumerate(value):
            yield from _unfit(entry, f"{place}[{position}]", depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{place}: expected a finite number, received {value}"
    elif isinstance(value, int) and abs(value) > _LARGEST:
        yield f"{place}: expected a number of at most 64 bits, received one of {value.bit_length()}"
    elif isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value):
        yield f"{place.encode('ascii', 'backslashreplace').decode()}: expected text, received half a character"


def _show(value: Any) -> str:
    return shortened(ascii(value) if isinstance(value, str) else repr(value))


def _refuse(path: Path, fault: str) -> NoReturn:
    raise ReportError(f"{path}: not the report of a study: {fault}; {_AGAIN}") from None
