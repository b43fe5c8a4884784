"""The study file: its models and how it is read."""

from harness.study.arms import Arm
from harness.study.dotted import Dotted
from harness.study.migrate import read_recorded, recorded_document
from harness.study.protocol_section import ProtocolSection
from harness.study.sections import (
    Comparison,
    DataSection,
    EvaluateSection,
    FeaturesSection,
    ImageSection,
    ModelSection,
    SearchSection,
    Space,
    StudySection,
    TrackingSection,
    TrainSection,
)
from harness.study.spec import COMPARISONS, DECLARATIONS, TUNED, ArmSettings, StudySpec
from harness.study.stage import stage_of
from harness.study.study_file import load_study

__all__ = [
    "COMPARISONS",
    "DECLARATIONS",
    "TUNED",
    "Arm",
    "ArmSettings",
    "Comparison",
    "DataSection",
    "Dotted",
    "EvaluateSection",
    "FeaturesSection",
    "ImageSection",
    "ModelSection",
    "ProtocolSection",
    "SearchSection",
    "Space",
    "StudySection",
    "StudySpec",
    "TrackingSection",
    "TrainSection",
    "load_study",
    "read_recorded",
    "recorded_document",
    "stage_of",
]
