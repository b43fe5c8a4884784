"""StudySpec: a complete study file, its sections checked against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from harness.choices import EpochRule, FinalTrain, NormStatistics, TunedOn, Validation
from harness.registry import NETWORKS, SPLITS, TEST, FeatureSet, Layout, Network, Unit, is_reference, options_of
from harness.section import Most, Section, takes_any
from harness.study.arms import Arm
from harness.study.dotted import Dotted
from harness.study.protocol_section import ProtocolSection
from harness.study.sections import (
    Comparison,
    DataSection,
    EvaluateSection,
    FeaturesSection,
    ModelSection,
    SearchSection,
    Space,
    StudySection,
    TrackingSection,
    TrainSection,
)

COMPARISONS = ("compare", "evaluate.margin", "evaluate.contrasts", "evaluate.confidence", "evaluate.claim_exact")
"""Fields of a study that define what its results are compared with, and how; they do not affect training."""

TUNED = {"tuned_on", "tuned_by"}
"""Fields of the train section that state what its values were chosen on; they do not affect training."""

DECLARATIONS = (*COMPARISONS, *(f"train.{field}" for field in sorted(TUNED)))
"""These, and what the study's values were chosen on."""

_SEARCHED = ("train", "model")
"""Sections whose fields a search may vary."""


class ArmSettings(Section):
    """What one training of an arm needs: the study's sections with the arm's and the trial's values set."""

    arm: str
    """Name of the arm."""
    model_name: str
    """Network."""
    features_name: str
    """Feature set."""
    model: ModelSection
    """Initial weights, and the options of the network."""
    train: TrainSection
    """How it is trained."""
    protocol: ProtocolSection = ProtocolSection()
    """How its clips are split, and which epoch counts."""
    weights: str | None = None
    """File of the weights to start from."""

    @property
    def references(self) -> tuple[str, ...]:
        """What it names of the user's own code or of libraries, apart from features: each as ``"module:name"``."""
        named = (self.model_name, self.train.loss, self.train.optimizer, *self.train.augment)
        return tuple(str(name) for name in named if is_reference(name))

    @property
    def network(self) -> Network:
        """The description of the network."""
        return NETWORKS.get(self.model_name)

    @property
    def options(self) -> Section:
        """The options of the network."""
        return options_of(self.network).model_validate(self.model.options)

    @property
    def trajectory(self) -> ArmSettings:
        """The settings that determine the weights after every epoch: all except the arm's name, the protocol, and the
        statistics of batch normalisation in evaluation.

        Settings that share it are one training, evaluated in several ways, where seed and training items are also the
        same. With patience the evaluations also decide when to stop, so that all settings belong to this part.
        """
        if self.train.patience:
            return self
        return self.model_copy(
            update={
                "arm": "",
                "protocol": ProtocolSection(),
                "train": self.train.model_copy(
                    update={
                        "norm_statistics": NormStatistics.RUNNING,
                        "tuned_on": TunedOn.NOT_STATED,
                        "tuned_by": "",
                    }
                ),
            }
        )


class StudySpec(Section):
    """A complete study file."""

    study: StudySection
    """Name, question and seed."""
    data: DataSection
    """The clips."""
    protocol: ProtocolSection = ProtocolSection()
    """How they are split."""
    features: FeaturesSection = FeaturesSection()
    """How audio becomes planes."""
    model: ModelSection = ModelSection()
    """Choices within the networks."""
    train: TrainSection = TrainSection()
    """How networks are trained."""
    arms: Annotated[tuple[Arm, ...], Field(min_length=1), Most(1_000, "more than a table can show")]
    """The rows of the study."""
    search: SearchSection = SearchSection()
    """How hyperparameters are chosen."""
    evaluate: EvaluateSection = EvaluateSection()
    """Seeds, tested folds and statistical tests."""
    compare: Annotated[tuple[Comparison, ...], Most(1_000, "more than a table can show")] = ()
    """Published numbers to compare with arms."""
    tracking: TrackingSection = TrackingSection()
    """Where runs are recorded."""

    @property
    def trained_arms(self) -> tuple[Arm, ...]:
        """Arms with a network."""
        return tuple(arm for arm in self.arms if not arm.is_fused)

    @property
    def test_folds(self) -> tuple[int, ...]:
        """Folds that are tested, ascending."""
        known = self.data.description
        return tuple(sorted(self.evaluate.folds or (known.tested_folds if known.holdout else self.data.used_folds)))

    def arm(self, name: str) -> Arm:
        """Return the arm called ``name``; KeyError when there is none."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise KeyError(name)

    def settings(self, arm: Arm, values: dict[str, Any] | None = None) -> ArmSettings:
        """Return the settings of a trained ``arm``, with a trial's ``values`` (dotted names) over its own.

        Raises
        ------
        ValueError
            When a name is not a field of train, model or protocol, a trial's value is one of protocol, or a value does
            not fit its field.
        """
        if arm.model is None or arm.features is None:
            raise ValueError(f"arm {arm.name!r} fuses other arms and has no settings")
        options = options_of(NETWORKS.get(arm.model))
        known = None if takes_any(options) else options.model_fields
        own: dict[str, Section] = {"train": self.train, "model": self.model, "protocol": self.protocol}
        sections = {name: section.model_dump() for name, section in own.items()}
        rule = SPLITS.get(str(arm.set.get("protocol.split", self.protocol.split)))
        if rule.name != self.protocol.split:
            # Options of another split say nothing of this one.
            fields = ProtocolSection.model_fields
            sections["protocol"] = {name: one for name, one in sections["protocol"].items() if name in fields}
        stated = {name: value for name, value in self.model.options.items() if name in options.model_fields}
        sections["model"] = {"init": self.model.init} | options().model_dump() | stated
        arguments = {f"model.{name}": value for name, value in arm.model_args.items()}
        for given, allowed in ((arguments | arm.set, (*_SEARCHED, "protocol")), (values or {}, _SEARCHED)):
            for dotted, value in given.items():
                name = Dotted.parse(dotted, allowed, known, options_of(rule).model_fields)
                sections[name.section][name.field] = tuple(value) if isinstance(value, list) else value
        model = {name: value for name, value in sections["model"].items() if known is None or name in known}
        checked = options.model_validate({name: value for name, value in model.items() if name != "init"}).model_dump()
        return ArmSettings(
            arm=arm.name,
            model_name=arm.model,
            features_name=arm.features,
            model=ModelSection.model_validate(sections["model"] | checked),
            train=TrainSection.model_validate(sections["train"]),
            protocol=ProtocolSection.model_validate(sections["protocol"]),
            weights=arm.weights,
        )

    def inputs(self, arm: Arm) -> FeatureSet:
        """Return the feature set of a trained ``arm``."""
        return self.features.feature_set(arm.features or "")

    def is_described_by_record(self, arm: Arm) -> bool:
        """Return whether the layers of the arm's network are known only where it was trained: its code, or that of a
        plane, is the user's own or a library's, or its input is as long as the vectors of a file."""
        inputs = self.inputs(arm)
        own = any(self.features.plane(plane).own for plane in inputs.planes if inputs.layout is not Layout.VECTOR)
        return own or inputs.layout is Layout.VECTOR or is_reference(arm.model or "")

    def arm_protocol(self, arm: Arm) -> ProtocolSection:
        """Return how ``arm`` is split and tested; a fused arm's streams share one protocol."""
        return self.settings(self.arm(arm.fuse[0]) if arm.fuse else arm).protocol

    def seeds(self, arm: Arm) -> int:
        """Return how many final trainings a fold of ``arm`` has; of a fused arm, those that all its streams have."""
        if arm.fuse:
            return min(self.seeds(self.arm(stream)) for stream in arm.fuse)
        return arm.seeds or self.evaluate.seeds

    @property
    def code_names(self) -> dict[str, str]:
        """Where the study names code, its own or a library's, by reference: ``{"mynet:Net": "arm 'wide': model"}``."""
        places: dict[str, str] = {}
        for name, own in self.features.sets.items():
            for plane in (own.plane, *(own.planes or ())):
                if plane is not None and is_reference(plane):
                    places.setdefault(plane, f"features.sets.{name}: plane")
        for arm in self.trained_arms:
            settings = self.settings(arm)
            for field, named in (
                ("model", (settings.model_name,)),
                ("train.loss", (settings.train.loss,)),
                ("train.optimizer", (settings.train.optimizer,)),
                ("train.augment", settings.train.augment),
            ):
                for reference in named:
                    if is_reference(reference):
                        places.setdefault(reference, f"arm {arm.name!r}: {field}")
        return places

    @property
    def searched_fields(self) -> dict[Dotted, Space]:
        """What is searched, by field; ValueError when a name in search.space is no field of train or model."""
        kinds = [options_of(NETWORKS.get(arm.model or "")) for arm in self.trained_arms]
        options = None if any(map(takes_any, kinds)) else {name for kind in kinds for name in kind.model_fields}
        return {Dotted.parse(name, _SEARCHED, options): space for name, space in self.search.space.items()}

    def tests_one_part(self, arm: Arm) -> bool:
        """Return whether one part of the data is tested, instead of folds: that of a hold-out data set, or of the arm's
        split."""
        return self.data.description.holdout or self.arm_protocol(arm).rule.single

    def surveys(self, arm: Arm) -> bool:
        """Return whether every epoch of ``arm`` is tested first, because all test folds together choose one."""
        return self.arm_protocol(arm).epoch_rule == EpochRule.BEST_MEAN_ON_TEST

    def searched_trainings(self, arm: Arm) -> int:
        """Return how many trainings the search of ``arm`` has."""
        return self.search.trials * len(self.tested(arm)) if arm.searches else 0

    def final_trainings(self, arm: Arm) -> int:
        """Return how many final trainings ``arm`` has, with those of its survey."""
        return len(self.tested(arm)) * self.seeds(arm) * (2 if self.surveys(arm) else 1)

    def expected_trainings(self, arms: Sequence[Arm]) -> int:
        """Return how many trainings ``arms`` have, searched and final."""
        trained = [arm for arm in arms if not arm.is_fused]
        return sum(self.searched_trainings(arm) + self.final_trainings(arm) for arm in trained)

    def tested(self, arm: Arm) -> tuple[int, ...]:
        """Return the folds that ``arm`` is tested on, ascending; :data:`harness.registry.TEST` of one test part."""
        return self.tested_under(self.arm_protocol(arm))

    def tested_under(self, protocol: ProtocolSection) -> tuple[int, ...]:
        """Return the folds that arms under ``protocol`` are tested on, ascending."""
        rule = protocol.rule
        if rule.single:
            return (TEST,)
        if rule.folds:
            return tuple(fold for fold in rule.folds if fold in (self.evaluate.folds or rule.folds))
        return self.test_folds

    @property
    def arm_cuts(self) -> tuple[ProtocolSection, ...]:
        """What determines the parts of the trained arms' folds, each once, in the arms' order."""
        return tuple(dict.fromkeys(self.arm_protocol(arm).cut for arm in self.trained_arms))

    @property
    def arm_splits(self) -> tuple[str, ...]:
        """The splits of the trained arms as tables call them, each once, in the arms' order."""
        return tuple(dict.fromkeys(self.arm_protocol(arm).label for arm in self.trained_arms))

    def final_trains(self, cut: ProtocolSection) -> tuple[str, ...]:
        """Return what the final trainings of the arms with that cut learn from, each once, in the arms' order."""
        protocols = (self.arm_protocol(arm) for arm in self.trained_arms)
        return tuple(dict.fromkeys(each.final_train for each in protocols if each.cut == cut))

    @model_validator(mode="after")
    def _known_options(self) -> Self:
        networks = [NETWORKS.get(arm.model) for arm in self.trained_arms if arm.model]
        known = {name for network in networks for name in options_of(network).model_fields}
        for name, value in self.model.options.items():
            if name not in known:
                allowed = ", ".join(["init", *sorted(known)])
                raise ValueError(f"model.{name}: unknown key, received {value!r}; allowed for these arms: {allowed}")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [arm.name for arm in self.arms]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"arms: the name {name!r} is used {names.count(name)} times; names must be unique")
        try:
            _ = self.searched_fields
        except ValueError as error:
            raise ValueError(f"search.space: {error}") from None
        trained = {arm.name: arm for arm in self.trained_arms}
        for arm in self.arms:
            if arm.is_fused:
                self._check_fusion(arm, trained)
            else:
                self._check_values(arm)
                self._check_seed(arm, trained)
                self._check_tuning(arm, trained)
        for comparison in self.compare:
            if comparison.arm not in names:
                raise ValueError(f"compare: arm {comparison.arm!r} is unknown; allowed: {', '.join(names)}")
        for name in {name for pair in self.evaluate.contrasts for name in pair}:
            if name not in names:
                raise ValueError(f"evaluate.contrasts: arm {name!r} is unknown; allowed: {', '.join(names)}")
        if self.evaluate.folds is not None and self.data.description.holdout:
            raise ValueError(f"evaluate.folds: {self.data.name} has a test part and no folds; leave it out")
        for fold in self.evaluate.folds or ():
            if fold not in self.data.used_folds:
                raise ValueError(f"evaluate.folds: fold {fold} is not among data.folds {list(self.data.used_folds)}")
        return self

    def _check_fusion(self, arm: Arm, trained: dict[str, Arm]) -> None:
        streams = arm.fuse or ()
        if len(set(streams)) != len(streams) or len(streams) < 2:
            raise ValueError(f"arm {arm.name!r}: fuse needs at least 2 different arms, received {list(streams)}")
        for stream in streams:
            if stream not in trained:
                raise ValueError(
                    f"arm {arm.name!r}: fuse names {stream!r}, which is not a trained arm; "
                    f"allowed: {', '.join(trained)}"
                )
        protocols = [self.arm_protocol(trained[stream]) for stream in streams]
        if any(protocol != protocols[0] for protocol in protocols):
            raise ValueError(
                f"arm {arm.name!r}: its streams have different protocols; set the same protocol for "
                f"{', '.join(streams)}"
            )
        layouts = {self.inputs(trained[stream]).layout for stream in streams}
        if arm.level == "segment" and layouts != {Layout.SEGMENTS}:
            raise ValueError(f"arm {arm.name!r}: level = 'segment' needs streams with segment features")

    def _check_inputs(self, arm: Arm) -> None:
        network = NETWORKS.get(arm.model or "")
        try:
            inputs = self.inputs(arm)
        except ValueError as error:
            raise ValueError(f"arm {arm.name!r}: features {arm.features!r}: {error}") from None
        if inputs.layout not in network.layouts:
            taken = " or ".join(f"{layout} features ({_EXAMPLES[layout]})" for layout in network.layouts)
            raise ValueError(f"arm {arm.name!r}: {arm.model} takes {taken}, received {arm.features!r}")
        if network.features and arm.features != network.features:
            raise ValueError(f"arm {arm.name!r}: {arm.model} takes {network.features} alone, received {arm.features!r}")

    def _check_values(self, arm: Arm) -> None:
        self._check_inputs(arm)
        try:
            settings = self.settings(arm)
            for name, space in self.searched_fields.items() if self.search.trials and arm.search else ():
                if name.section == "model" and name.of(settings) is None:
                    raise ValueError(
                        f"search.space.{name}: the arm states no value; give it one in model_args, so that its type is "
                        "known"
                    )
                for value in space.choices if space.choices is not None else (space.low, space.high):
                    self.settings(arm, {str(name): _as_field(settings, name, value)})
        except ValueError as error:
            raise ValueError(f"arm {arm.name!r}: {_first_line(error)}") from None
        if settings.train.patience and settings.protocol.epoch_rule != EpochRule.BEST_ON_VALIDATION:
            raise ValueError("train.patience uses the validation fold: set protocol.epoch_rule = 'best-on-validation'")
        self._check_validation(arm, settings)
        split = SPLITS.get(settings.protocol.split)
        if self.data.description.holdout and not split.official:
            raise ValueError(
                f"protocol.split = {split.name!r}: {self.data.name} has a train and a test part, which another split "
                "would mix; use 'official'"
            )
        if split.unit is Unit.SEGMENT and self.inputs(arm).layout is not Layout.SEGMENTS:
            raise ValueError(
                f"protocol.split = {split.name!r}: arm {arm.name!r} has one item per clip and no segments; "
                "use 'random-clip'"
            )

    def _check_validation(self, arm: Arm, settings: ArmSettings) -> None:
        """Refuse what needs a validation part where there is none, and a search on a part that is tested."""
        protocol = settings.protocol
        searches = bool(self.search.trials) and arm.searches
        if searches and protocol.validates in (Validation.NONE, Validation.SAME_AS_TEST):
            why = "there is no validation part" if protocol.validates == Validation.NONE else "the test part validates"
            raise ValueError(
                f"arm {arm.name!r}: search.trials: split {protocol.label!r}: {why}, so a search has nothing to choose "
                "on; set search = false, tuned_as = an arm that is searched, or protocol.validation = 0.1"
            )
        if not self.tested_under(protocol):
            raise ValueError(f"arm {arm.name!r}: evaluate.folds names none of the folds of split {protocol.label!r}")
        of_data = protocol.validates == Validation.NEXT_FOLD and not (protocol.rule.single or protocol.rule.folds)
        if of_data and not self.data.validates:
            self._check_without_validation(arm, settings)

    def _check_without_validation(self, arm: Arm, settings: ArmSettings) -> None:
        """Refuse what needs a validation fold."""
        needs = {
            "search.trials": bool(self.search.trials) and arm.searches,
            "protocol.epoch_rule = 'best-on-validation'": settings.protocol.epoch_rule == EpochRule.BEST_ON_VALIDATION,
            "protocol.final_train = 'train+validation'": settings.protocol.final_train
            == FinalTrain.TRAIN_AND_VALIDATION,
        }
        for what, needed in needs.items():
            if needed:
                raise ValueError(
                    f"arm {arm.name!r}: {what} needs a validation {'part' if self.data.description.holdout else 'fold'}"
                    f", which {self.data.name} does not have with {len(self.data.used_folds)} folds: state the values "
                    "of this arm, or add a fold"
                )

    def _check_tuning(self, arm: Arm, trained: dict[str, Arm]) -> None:
        if arm.tuned_as is None:
            return
        searched = [name for name, each in trained.items() if each.searches]
        if arm.tuned_as not in searched:
            raise ValueError(
                f"arm {arm.name!r}: tuned_as names {arm.tuned_as!r}, which is not a searched arm; allowed: "
                f"{', '.join(searched) or 'none, because no arm is searched'}"
            )
        if self.tested(arm) != self.tested(trained[arm.tuned_as]):
            raise ValueError(
                f"arm {arm.name!r}: tuned_as names {arm.tuned_as!r}, whose values were chosen for the folds "
                f"{list(self.tested(trained[arm.tuned_as]))}, but this arm tests {list(self.tested(arm))}; state its "
                "values, with search = false"
            )
        if not arm.search:
            raise ValueError(f"arm {arm.name!r}: search = false and tuned_as are mutually exclusive; remove one")

    def _check_seed(self, arm: Arm, trained: dict[str, Arm]) -> None:
        if arm.seed_of is None:
            return
        if arm.seed_of not in trained or arm.seed_of == arm.name:
            allowed = ", ".join(name for name in trained if name != arm.name) or "none, because no other arm is trained"
            raise ValueError(
                f"arm {arm.name!r}: seed_of names {arm.seed_of!r}, which is not another trained arm; allowed: {allowed}"
            )
        if trained[arm.seed_of].seed_of is not None:
            raise ValueError(
                f"arm {arm.name!r}: seed_of names {arm.seed_of!r}, which itself uses the seeds of "
                f"{trained[arm.seed_of].seed_of!r}; set that arm"
            )


_EXAMPLES = {
    Layout.SEGMENTS: "LMC, MC, ...",
    Layout.IMAGE: "image:mel, ...",
    Layout.VECTOR: "a set of [features.sets] with a file",
}


def _as_field(settings: ArmSettings, name: Dotted, value: Any) -> Any:
    """Convert the bound of a range to the type of its field: TOML reads 10 and 10.0 alike into low and high."""
    whole = name.takes_whole_numbers(settings)
    return int(value) if whole and isinstance(value, float) and value.is_integer() else value


def _first_line(error: ValueError) -> str:
    """Shorten a pydantic error inside an error to its message."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    first = errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}, received {first['input']!r}"
