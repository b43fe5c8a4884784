"""Paper: one claims file, with every number as printed and every condition as stated by its source.

How to write one
----------------
A claims file is TOML, in UTF-8. ``[source]`` says where the numbers were published, with a DOI or in words. Each
``[[table]]`` states what its columns have in common (data set, split, number of folds, what the accuracies are), and
each ``[[table.column]]`` below it is one system. Tables of layers (``[[layers]]``) and numbers of the text
(``[[statement]]``) may follow, for the audit. The docstrings below describe each key.

- Numbers are written in quotes, as printed: ``value = "95.20"``. A bare 95.20 would lose its last digit, and with it
  how far the number may have been rounded.
- What the source does not say is ``"not stated"``, never a guess and never left out where the key is required.
- An accuracy is addressed as ``key:table/column``, and that of one class as ``key:table/column/class``.
- Files in the folder ``claims`` next to a study file are read with the built-in ones; each needs a unique key.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, WithJsonSchema, field_validator, model_validator

from harness.choices import EpochRule, Validation
from harness.claims.field_types import Doi, Key, Name, Number, Words, at_least_one, distinct
from harness.claims.printed import Printed
from harness.registry import DATASETS, NETWORKS, PLANES, SPLITS, Dataset, described, feature_set, options_of
from harness.section import Section, as_tuples

NOT_STATED = "not stated"
ONE_SPLIT = "one split"
INPUT = "input"
"""Name of the row of a table of layers that counts the input."""
_NO_RULE = (ONE_SPLIT, NOT_STATED)
Estimand = Literal["macro", "macro over pieces", "clip", "segment", "not stated"]


class Source(Section):
    """Where the numbers were published."""

    key: Key
    """The name before the colon of an address; built-in files are called after it."""
    title: Words
    """Title of the publication."""
    authors: Words
    """Authors as the publication names them."""
    year: Annotated[int, Field(ge=1900, le=2100)]
    """Year of publication."""
    venue: str = ""
    """Journal, proceedings or institution."""
    doi: Doi | None = None
    """Digital object identifier."""
    unpublished: str = ""
    """Where a number without a DOI can be found, in words."""

    @model_validator(mode="after")
    def _findable(self) -> Self:
        if bool(self.doi) == bool(self.unpublished):
            raise ValueError("give a doi, or say in unpublished where the numbers can be found; one of the two")
        return self

    @property
    def citation(self) -> str:
        """The source in one line."""
        where = f"doi:{self.doi}" if self.doi else self.unpublished
        return ", ".join(part for part in (f"{self.authors} ({self.year})", self.title, self.venue, where) if part)


class Dispersion(Section):
    """A dispersion, as printed after a +-."""

    value: Number
    """As printed, in the table's unit."""
    kind: Literal["folds", "classes", "unknown"]
    """What it is over, as the source states it; unknown when it does not. The audit may find out."""
    n: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """How many values it is over, where that is printed."""


class Column(Section):
    """One column of a table of accuracies: one system."""

    name: Name
    """The name after the slash of an address."""
    system: str = ""
    """What was trained, in words."""
    reference: str = ""
    """How the source cites it, where it is the result of others: "[6]"."""
    value: Number
    """The headline accuracy as printed, in the table's unit."""
    classes: tuple[Number, ...] = ()
    """Accuracy of each class as printed, in the order of the table's classes."""
    folds: tuple[Number, ...] = ()
    """Accuracy of each fold as printed, in the order of the folds."""
    dispersion: Dispersion | None = None
    """What is printed after the +-."""
    pretraining: Words = NOT_STATED
    """Data that its weights learned from before, in words such as "AudioSet"; "none" for a training from scratch, or
    "not stated"."""
    ensemble: Literal["yes", "no", "not stated"] = "not stated"
    """Whether several networks, or several trainings of one, decide together."""
    seconds: Number | None = None
    """Time printed with the accuracy, in seconds."""


def split_options(split: str) -> tuple[str, ...]:
    """Return the names of the options that a split, or what a source has instead of one, can state."""
    if split not in SPLITS:
        return ()
    rule = SPLITS.get(split)
    # A file of one's own is no option that a source could state.
    return () if rule.files else tuple(options_of(rule).model_fields)


def option_text(value: object) -> str:
    """Return an option of a split as tables print it: ``true``, ``0.2``, ``300/80/20``."""
    if isinstance(value, bool):
        return str(value).lower()
    return "/".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


class AccuracyTable(Section):
    """A table of accuracies: what all its columns have in common."""

    id: Name
    """The name between colon and slash of an address."""
    title: Words
    """What the table shows."""
    where: Words
    """Where it is in the source."""
    seen: str = ""
    """Where the numbers were read, if not in the source itself: a page, or a file of a repository and its commit."""
    version: str = ""
    """Which version of the source prints them, where versions differ: "v2" of a preprint, a commit, a date."""
    role: Literal["claim", "replication", "reference"]
    """claim: the source's own result. replication: of another's. reference: a number to measure others by."""
    replicates: Key | None = None
    """replication: key of the claims file whose system was tried again, where there is one."""
    unit: Literal["percent", "fraction"] = "percent"
    """Unit of every printed number."""
    dataset: str
    """Data set, by its name in a study file."""
    estimand: Estimand
    """What the headline accuracies are: mean of class accuracies, the same over pieces of clips (such as the segments
    of a clip that one batch holds), fraction of clips, or of segments."""
    split: str
    """How training and test were separated: a split of studies, "one split" of the source's own, or "not stated"."""
    split_options: Annotated[Mapping[str, Any], WithJsonSchema({"type": "object"})] = {}
    """Options of the split that the source states, by the names of a study: { n = 10 }; others are "not stated"."""
    folds: Annotated[int, Field(ge=1, le=1000)]
    """Folds tested; 1 for one split."""
    tested_folds: tuple[int, ...] = ()
    """Which official folds were tested, where they are not all."""
    training_folds: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Folds that one training learnt from, where that is known; a fold kept for validation is none of them."""
    epoch_rule: EpochRule | Literal["not stated"] = "not stated"
    """Which epoch was tested, by the names of a study."""
    validation: Validation | Annotated[float, Field(gt=0, lt=1)] | Literal["not stated"] = "not stated"
    """What validated, by the names of a study: "next-fold", "same-as-test", "none", or a share of the training part."""
    tuning: Literal["none", "other data", "validation", "reported folds", "not stated"] = "not stated"
    """What hyperparameters were chosen on."""
    note: str = ""
    """What a reader must know about all columns."""
    classes: tuple[Name, ...] = ()
    """Names of the classes whose accuracies the columns hold."""
    class_clips: tuple[Annotated[int, Field(ge=1, le=1_000_000_000)], ...] = ()
    """Clips of each class that were tested, in the order of the classes, where a part of the data set was tested and
    its clips are known."""
    columns: Annotated[tuple[Column, ...], AfterValidator(at_least_one), Field(alias="column")]
    """The systems, one [[table.column]] each."""

    @field_validator("dataset")
    @classmethod
    def _known(cls, dataset: str) -> str:
        known = {_plain(name): name for name in DATASETS.names()}
        close = get_close_matches(_plain(dataset), known, n=1, cutoff=0.85)
        if dataset not in DATASETS and close:
            raise ValueError(f"the harness has no data set {dataset!r}; did you mean {known[close[0]]!r}?")
        return dataset

    @field_validator("split")
    @classmethod
    def _known_split(cls, split: str) -> str:
        if split in _NO_RULE or split in SPLITS:
            return split
        raise ValueError(f"unknown split {split!r}; allowed: {', '.join((*SPLITS.names(), *_NO_RULE))}")

    @model_validator(mode="after")
    def _known_options(self) -> Self:
        if not self.split_options:
            return self
        known = split_options(self.split)
        for name in self.split_options:
            if name not in known:
                raise ValueError(
                    f"split_options: split {self.split!r} has no option {name!r}; it has {', '.join(known) or 'none'}"
                )
        try:
            options_of(SPLITS.get(self.split)).model_validate(as_tuples(self.split_options))
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"])) or self.split
            raise ValueError(f"split_options: {where}: {fault['msg'].removeprefix('Value error, ')}") from None
        return self

    @model_validator(mode="after")
    def _whole(self) -> Self:
        distinct("column", [column.name for column in self.columns])
        distinct("class", list(self.classes))
        self._check_folds()
        if self.replicates and self.role != "replication":
            raise ValueError(f'replicates belongs to a replication: write role = "replication", received {self.role!r}')
        if self.class_clips and len(self.class_clips) != len(self.classes):
            raise ValueError(f"{len(self.class_clips)} class_clips, but the table's classes name {len(self.classes)}")
        top = 100 if self.unit == "percent" else 1
        for column in self.columns:
            where = f"column {column.name}"
            if column.classes and len(column.classes) != len(self.classes):
                raise ValueError(
                    f"{where}: {len(column.classes)} class accuracies, but the table's classes name {len(self.classes)}"
                )
            if column.folds and len(column.folds) != self.folds:
                raise ValueError(
                    f"{where}: {len(column.folds)} fold accuracies, but the table's folds are {self.folds}"
                )
            spread = [column.dispersion.value] if column.dispersion else []
            for text in (column.value, *column.classes, *column.folds, *spread):
                if Printed.parse(text).value > top:
                    raise ValueError(f"{where}: {text!r} is more than {top}, and the table's unit is {self.unit}")
        if self.unit == "percent" and all(Printed.parse(column.value).value <= 1 for column in self.columns):
            raise ValueError('no accuracy is above 1 %; if these are fractions, write unit = "fraction"')
        return self

    def _check_folds(self) -> None:
        known = self.description.folds
        for fold in self.tested_folds:
            if fold not in known:
                raise ValueError(
                    f"tested_folds: {self.dataset} has no fold {fold}; it has {', '.join(map(str, known))}"
                )
        if self.tested_folds and (self.split != "official" or len(set(self.tested_folds)) != self.folds):
            raise ValueError(
                f"tested_folds name as many official folds as folds counts: received {list(self.tested_folds)}, split "
                f"{self.split} and folds = {self.folds}"
            )
        if self.training_folds is not None and self.split == "official" and self.training_folds >= len(known):
            raise ValueError(
                f"training_folds = {self.training_folds} leave no fold to test: {self.dataset} has {len(known)} folds"
            )

    @property
    def split_text(self) -> str:
        """The split with the options that are stated, such as ``every-nth-row (n = 10)``."""
        stated = ", ".join(f"{name} = {option_text(value)}" for name, value in self.split_options.items())
        return f"{self.split} ({stated})" if stated else self.split

    @property
    def description(self) -> Dataset:
        """The data set; of one that the harness does not have, its name and number of folds."""
        return described(
            self.dataset, max(self.folds, *self.tested_folds, (self.training_folds or 0) + 1), len(self.classes)
        )

    @property
    def ratio(self) -> float:
        """n_test / n_train of one training, for folds of one size; NaN where one split says nothing of its training."""
        return 1 / (self.training_folds or self.folds - 1 or math.nan)

    @property
    def mean(self) -> str:
        """The estimand, whatever the class accuracies are over: ``macro`` for both kinds of macro accuracy."""
        return "macro" if self.estimand.startswith("macro") else self.estimand


class LayerRow(Section):
    """One layer as a paper counts it."""

    layer: Name
    """Name of the layer; a first row called ``input`` is the input itself."""
    weights: Number | None = None
    """Weights as printed."""
    activations: Number | None = None
    """Activations (the paper's memory) as printed."""


class LayerColumn(Section):
    """One network as a paper counts it, its layers in the order in which an input passes through them."""

    name: Name
    """Name of the network in the table."""
    model: str
    """The network, by its name in a study file."""
    features: str
    """Its feature set, by its name in a study file."""
    rows: Annotated[tuple[LayerRow, ...], AfterValidator(at_least_one), Field(alias="row")]
    """The layers, one [[layers.network.row]] each."""
    total: LayerRow | None = None
    """The printed totals."""

    @property
    def input(self) -> LayerRow | None:
        """The row of the input, where one is printed."""
        return self.rows[0] if self.rows[0].layer == INPUT else None

    @property
    def layers(self) -> tuple[LayerRow, ...]:
        """The rows without that of the input."""
        return self.rows[1:] if self.input else self.rows

    @model_validator(mode="after")
    def _known(self) -> Self:
        NETWORKS.get(self.model)
        try:
            feature_set(self.features)
        except ValueError as error:
            raise ValueError(f"features {self.features!r}: {error}") from None
        distinct("layer", [row.layer for row in self.rows])
        return self


class LayerTable(Section):
    """A table of layers."""

    id: Name
    """The name between colon and slash of an address."""
    title: Words
    """What the table shows."""
    where: Words
    """Where it is in the source."""
    note: str = ""
    """What a reader must know."""
    networks: Annotated[tuple[LayerColumn, ...], AfterValidator(at_least_one), Field(alias="network")]
    """The networks, one [[layers.network]] each."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        distinct("network", [network.name for network in self.networks])
        return self


class Statement(Section):
    """A number in a paper's text that can be compared with its tables, or with the network itself."""

    where: Words
    """Where it is in the text."""
    about: Literal["class accuracy", "difference", "plane rows", "convolution stride"]
    """What the number is."""
    value: Number
    """As printed."""
    subject: Words
    """class accuracy: table/column/class for which it is given. difference: the table whose accuracy is the higher one.
    plane rows: the plane. convolution stride: the table of layers."""
    relation: Literal["equal", "below", "above"] = "equal"
    """class accuracy: whether the text gives the number itself, or says that the accuracy is below or above it."""
    minus: str = ""
    """difference: the table whose accuracy is subtracted."""
    reference: str = ""
    """difference: the reference, as the text cites it, whose accuracy is subtracted."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.about == "plane rows":
            PLANES.get(self.subject)
        if self.relation != "equal" and self.about != "class accuracy":
            raise ValueError(f"relation belongs to a class accuracy, not to {self.about}; leave it out")
        if bool(self.minus) != (self.about == "difference") or (self.reference and not self.minus):
            raise ValueError("a difference, and nothing else, needs minus, and may have a reference")
        return self


class Paper(Section):
    """One claims file."""

    source: Source
    """Where the numbers were published."""
    tables: tuple[AccuracyTable, ...] = Field(default=(), alias="table")
    """Tables of accuracies."""
    layer_tables: tuple[LayerTable, ...] = Field(default=(), alias="layers")
    """Tables of layers."""
    statements: tuple[Statement, ...] = Field(default=(), alias="statement")
    """Numbers of the text."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.tables and not self.layer_tables:
            raise ValueError("the file has no table: add [[table]] with at least one [[table.column]]")
        layer_tables = [table.id for table in self.layer_tables]
        distinct("table", [*(table.id for table in self.tables), *layer_tables])
        cells = {
            f"{table.id}/{column.name}/{name}"
            for table in self.tables
            for column in table.columns
            for name, _ in zip(table.classes, column.classes, strict=False)
        }
        accuracy_tables = [table.id for table in self.tables]
        for statement in self.statements:
            for name in (statement.subject, statement.minus) if statement.about == "difference" else ():
                if name not in accuracy_tables:
                    raise ValueError(
                        f"statement about {name!r}: there is no such table of accuracies; "
                        f"there are: {', '.join(accuracy_tables) or 'none'}"
                    )
            if statement.about == "class accuracy" and statement.subject not in cells:
                raise ValueError(
                    f"statement about {statement.subject!r}: there is no such class accuracy; write table/column/class"
                )
            if statement.about == "convolution stride" and statement.subject not in layer_tables:
                raise ValueError(
                    f"statement about {statement.subject!r}: there is no such table of layers; "
                    f"there are: {', '.join(layer_tables) or 'none'}"
                )
        return self
