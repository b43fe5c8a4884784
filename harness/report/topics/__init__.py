"""The topics of a report: a file each, with its tables, figures, captions and prose.

:data:`TOPICS` is the only list of them: the files of a report, report.tex and README.md follow from it.
"""

from collections.abc import Callable, Iterable, Sequence

from harness.report.evidence import Evidence
from harness.report.report_section import Section
from harness.report.topics import (
    accuracy,
    audits,
    claimed_accuracy,
    claimed_classes,
    classes,
    contrasts,
    hard_clips,
    network_layers,
    opening,
    protocol_effects,
    run_facts,
    search,
    split_leakage,
    terms,
    training_curves,
)

Topic = Callable[[Evidence], Iterable[Section]]

TOPICS: tuple[Topic, ...] = (
    opening.sections,
    protocol_effects.sections,
    claimed_accuracy.sections,
    claimed_classes.sections,
    contrasts.sections,
    accuracy.sections,
    classes.sections,
    hard_clips.sections,
    search.sections,
    training_curves.sections,
    split_leakage.sections,
    network_layers.sections,
    audits.sections,
    run_facts.sections,
    terms.sections,
)
"""The topics in the order of the document."""


def sections_of(evidence: Evidence, topics: Sequence[Topic] = TOPICS) -> tuple[Section, ...]:
    """Return the sections of ``topics`` in their order; some may be empty."""
    return tuple(section for topic in topics for section in topic(evidence))
