"""Summary of an audit: a few sentences, and one row per headline number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.claims.audit.finding import Audit, Finding


@dataclass(frozen=True)
class ClaimRow:
    """What the audit says of one headline number.

    Attributes
    ----------
    place
        ``table/column``.
    average
        The finding about its estimand.
    fold_mean, dispersion, clip
        The findings about its folds, its dispersion (which may be printed in another table) and its clip accuracy; None
        where the paper gives no reason for one.
    impossible
        Classes whose accuracy is not a fraction of their clips.
    """

    place: str
    average: Finding
    fold_mean: Finding | None
    dispersion: Finding | None
    clip: Finding | None
    impossible: tuple[str, ...]


def table_claims(audit: Audit) -> list[ClaimRow]:
    """Return one row per headline number of the paper, in the order of its tables."""
    by_place = {(finding.check, finding.place): finding for finding in audit.findings}
    dispersions = {
        place: finding
        for finding in audit.of("dispersion")
        for place in (finding.place, *finding.numbers.get("also_of", ()))
    }
    cells = [finding.place.rpartition("/") for finding in audit.of("class fractions")]
    return [
        ClaimRow(
            place=finding.place,
            average=finding,
            fold_mean=by_place.get(("fold mean", finding.place)),
            dispersion=dispersions.get(finding.place),
            clip=by_place.get(("clip accuracy", finding.place)),
            impossible=tuple(name for place, _, name in cells if place == finding.place),
        )
        for finding in audit.of("average")
    ]


def summary(audit: Audit) -> list[str]:
    """Return what the audit found in a few sentences, the most important first: what a comparison with the paper's
    numbers must take into account, then contradictions in tables and text, then what could not be checked."""
    tellers: tuple[Callable[[Audit], str], ...] = (
        _dispersion,
        _averages,
        _folds,
        _clips,
        _fractions,
        _layers,
        _text,
        _no_dispersion,
        _not_checked,
    )
    return [sentence for tell in tellers if (sentence := tell(audit))]


def _dispersion(audit: Audit) -> str:
    found = audit.of("dispersion")
    over = {kind: [one for one in found if one.numbers["kind"] == kind] for kind in ("classes", "folds", "unknown")}
    parts = []
    if over["classes"]:
        them = "it" if len(over["classes"]) == 1 else "them"
        parts.append(
            f"{_dispersions(over['classes'])} over the class accuracies, not over folds: a test must not take {them} "
            "for the spread of folds."
        )
    if over["folds"]:
        verified = sum(bool(one.numbers["equals"]) for one in over["folds"])
        others = "" if verified == len(over["folds"]) else ", the others are as the source states them"
        parts.append(f"{_dispersions(over['folds'])} over folds; printed folds verify {verified}{others}.")
    if over["unknown"]:
        places = _listed([one.place for one in over["unknown"]])
        parts.append(f"It is unknown what the dispersion at {places} is over, so no test uses it.")
    return " ".join(parts)


def _averages(audit: Audit) -> str:
    found = [one for one in audit.of("average") if "agrees_with" in one.numbers]
    if not found:
        return ""
    words = {
        "macro": "the unweighted mean of the classes (macro accuracy) alone",
        "clip": "the mean weighted by clips (clip accuracy) alone",
        "macro or clip": "both the unweighted mean and the mean weighted by clips",
        "": "no mean that could be computed",
    }
    kinds = Counter(" or ".join(one.numbers["agrees_with"]) for one in found)
    told = "; ".join(f"{n} agree{'s' if n == 1 else ''} with {words[kind]}" for kind, n in kinds.most_common())
    sentence = f"Headlines printed with class accuracies ({_tables(found)}): {told}."
    return _with_contradictions(sentence, found)


def _folds(audit: Audit) -> str:
    found = audit.of("fold mean")
    if not found:
        return ""
    holds = sum(one.outcome == "holds" for one in found)
    verb = "is" if holds == 1 else "are"
    sentence = f"{holds} of {_count(len(found), 'headline')} printed with folds {verb} the mean of the folds."
    return _with_contradictions(sentence, found)


def _clips(audit: Audit) -> str:
    found = [one for one in audit.of("clip accuracy", outcome="shows") if abs(one.numbers["difference"]) > 1e-9]
    if not found:
        return ""
    lowest, highest = (pick(found, key=lambda one: one.numbers["difference"]) for pick in (min, max))
    return (
        f"Weighted by clips, the class accuracies would give different headlines in {_tables(found)}: "
        f"{lowest.numbers['difference']:+.2f} ({lowest.place}) to {highest.numbers['difference']:+.2f} points "
        f"({highest.place})."
    )


def _fractions(audit: Audit) -> str:
    found = audit.of("class fractions")
    tested = [one for one in found if "cells" in one.numbers]
    if not tested:
        return ""
    cells = sum(one.numbers["cells"] for one in tested)
    impossible = [one.place.rpartition("/")[2] for one in found if "below" in one.numbers]
    if not impossible:
        return f"All {cells} class accuracies of {_tables(tested)} can be fractions of their class's clips (GRIM test)."
    classes = ", ".join(f"{name} {n}" for name, n in Counter(impossible).most_common())
    sentence = (
        f"{len(impossible)} of {cells} class accuracies of {_tables(tested)} are not fractions "
        f"of their class's clips (GRIM test; {classes})"
    )
    if not all(one.numbers["impossible_cut_off"] for one in tested if one.numbers["impossible"]):
        return f"{sentence}; some of these tables may have truncated digits instead of rounding."
    return (
        f"{sentence}, and truncation instead of rounding does not explain it: these tables do not contain accuracies "
        "pooled over all clips, but perhaps means over folds or accuracies over segments."
    )


def _layers(audit: Audit) -> str:
    found = audit.of("layers")
    agree, entries = (sum(one.numbers.get(key, 0) for one in found) for key in ("agree", "entries"))
    sentence = f"{agree} of {entries} layer sizes of {_tables(found)} agree with the networks as built here."
    return _with_contradictions(sentence if entries else "", found)


def _text(audit: Audit) -> str:
    found = audit.of("text")
    wrong = [one.sentence for one in found if one.outcome == "contradicts"]
    if wrong:
        times = _count(len(wrong), "time")
        return " ".join([f"The text contradicts the tables or the features {times}.", *wrong])
    return f"The text agrees with the tables in {_count(len(found), 'statement')}." if found else ""


def _no_dispersion(audit: Audit) -> str:
    if not audit.of("average") or audit.of("dispersion"):
        return ""
    if audit.of("fold mean"):
        places = _listed([one.place for one in audit.of("fold mean")])
        return f"No dispersion is printed; the spread over folds follows from the folds at {places}."
    return "No dispersion is printed, so no test can use the source's own spread."


def _not_checked(audit: Audit) -> str:
    names = [one.table for one in audit.of("average", "class fractions", outcome="cannot be checked")]
    names += [one.place for one in audit.of("layers", "text", outcome="cannot be checked")]
    return f"Too little is printed to check in full: {_listed(list(dict.fromkeys(names)))}." if names else ""


def _with_contradictions(sentence: str, found: Iterable[Finding]) -> str:
    wrong = [f"{one.place}: {one.sentence}" for one in found if one.outcome == "contradicts"]
    return " ".join(part for part in (sentence, *wrong) if part)


def _dispersions(found: Sequence[Finding]) -> str:
    if len(found) == 1:
        return f"The dispersion at {found[0].place} is a standard deviation"
    return f"The {len(found)} dispersions in {_tables(found)} are standard deviations"


def _tables(found: Iterable[Finding]) -> str:
    return _listed(list(dict.fromkeys(one.table for one in found)))


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
