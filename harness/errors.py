"""Errors that a user can act on.

The command line prints the message of a :class:`HarnessError` alone, without a traceback, and exits with its
``exit_code``. Every message says what is wrong, where, which value was received, and what to do.
"""

from __future__ import annotations


class HarnessError(Exception):
    """An error that the user can correct; the message is the complete explanation.

    Several arguments are printed as several lines. A line feed within an argument does not start a new line: it is part
    of a received value.
    """

    exit_code = 2

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


class StudyError(HarnessError):
    """A study file, or an override of it, that cannot be run as written."""


class DataError(HarnessError):
    """Audio or metadata that is missing, damaged or not as the data set specifies."""


class LeakageError(DataError):
    """A split that claims to be official but shares recordings between training and test."""


class FeatureError(HarnessError):
    """Features that cannot be computed, or a feature cache that cannot be used."""


class TrainingError(HarnessError):
    """A training that cannot be run on the given device or data."""


class TrackingError(HarnessError):
    """A tracking store that cannot be read or written, or that lacks the requested runs."""


class InUseError(TrackingError):
    """A study that another process is running."""

    exit_code = 3


class ReportError(HarnessError):
    """A record from which no report can be made."""


class ClaimsError(HarnessError):
    """A claims file that cannot be read as written, or a claim that no file has."""


class StatisticsError(HarnessError):
    """Numbers on which the requested test cannot be computed."""


class ComparisonError(HarnessError):
    """Scores that cannot be compared with a claim."""
