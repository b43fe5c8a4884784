"""The statistical and technical terms of reports, each explained once; every rendering takes them from here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.report.report_section import file_stem


@dataclass(frozen=True)
class Term:
    """One term: its name, what it means, and the pattern that finds it in text (by default its name)."""

    name: str
    meaning: str
    pattern: str = ""

    @property
    def anchor(self) -> str:
        """Its identifier on a page."""
        return f"term-{file_stem(self.name)}"

    def find(self, text: str) -> re.Match[str] | None:
        """Return the first place in ``text`` that uses the term."""
        return re.search(rf"(?<![\w-])(?:{self.pattern or re.escape(self.name)})(?![\w-])", text)


GLOSSARY: tuple[Term, ...] = (
    Term(
        "Verdict",
        "Consistent: equivalence within the margin is shown. Higher or lower: the difference is significant. "
        "Inconclusive: neither is shown, which is no evidence of equality. Not comparable: the conditions of the two "
        "numbers differ, so no test is made.",
        "Verdict|[Nn]ot comparable|[Ii]nconclusive",
    ),
    Term(
        "Macro accuracy",
        "The accuracy on each class, averaged over the classes without weights, so that every class counts alike.",
        "[Mm]acro(?: accuracy)?",
    ),
    Term(
        "Precision, recall, F1",
        "Precision is the fraction of clips assigned to a class that belong to it; recall is the fraction of clips of "
        "a class that are assigned to it; F1 is the harmonic mean of the two.",
        "Precision|precision|F1",
    ),
    Term(
        "Fold and seed",
        "A fold is a fixed part of the data set; each is tested once by a network that was trained on others. A seed "
        "fixes the random numbers of a training. Accuracies of several seeds are averaged within a fold first.",
        "[Ff]old by fold|[Ss]eeds? (?:are )?averaged(?: first)?",
    ),
    Term(
        "SD (ddof 1)",
        "Standard deviation over folds with n − 1 in the denominator, which is the estimate from a sample. It "
        "describes how much folds differ and is not the error of the mean.",
        r"SD|ddof 1",
    ),
    Term(
        "Corrected interval",
        "A confidence interval of a mean over folds. Folds share training data and are therefore not independent; the "
        "correction of Nadeau and Bengio (2003) adds n_test / n_train to the variance. Without it intervals are too "
        "narrow.",
        r"[Cc]orrected(?: \d+ %)? interval|Interval|n_test / n_train|[Cc]orrected t-test",
    ),
    Term(
        "p value",
        "The probability of measuring a difference at least as large if there were none. A large p value does "
        "not show that two accuracies are equal.",
        "p value|p raw|t-test(?: p)?|significant",
    ),
    Term(
        "Holm",
        "Several tests at once find something by chance more often than one test. Holm's adjustment raises the p "
        "values of the declared comparisons so that the probability of any false finding among them stays below 5 %.",
    ),
    Term(
        "TOST",
        "Two one-sided tests: equivalence is shown if the difference is significantly above −margin and significantly "
        "below +margin. It is the only test here that can show that two accuracies are alike.",
        "TOST|[Ee]quivalence",
    ),
    Term(
        "Margin",
        "The largest difference in percentage points that counts as none. The study declares it before it runs.",
        "[Mm]argin(?: of equivalence)?",
    ),
    Term(
        "Welch's test",
        "Compares two means with different variances. It is used where two sides have no folds in common; both "
        "variances are corrected for overlapping training sets.",
    ),
    Term(
        "McNemar's test",
        "Compares two networks on the same clips by counting clips that only one of them classifies correctly. It "
        "takes clips as independent, although clips of one recording are not.",
        "McNemar's p|McNemar's test|McNemar|Clips right",
    ),
    Term(
        "Cochran's Q",
        "McNemar's test for more than two networks.",
    ),
    Term(
        "Bootstrap interval",
        "Recordings are drawn again with replacement many times and the accuracy is computed each time; the interval "
        "holds 95 % of the results. Networks and folds stay fixed, so it does not cover the variation of trainings.",
        "[Bb]ootstrap(?: interval)?|Recordings: ",
    ),
    Term(
        "Bayesian correlated t-test",
        "Gives probabilities that the true difference lies below, within and above the margin, with the same "
        "correction for overlapping training sets.",
    ),
    Term(
        "Wilcoxon's test",
        "The signed-rank test over folds. Five folds cannot give a p value below 0.0625.",
        "Wilcoxon(?:'s test)?",
    ),
    Term(
        "Leakage",
        "A test clip shares a recording, or a clip, with the training data. The network may then recognise the "
        "recording instead of the class, and the accuracy is too high.",
        "[Ll]eakage|share a recording",
    ),
    Term(
        "Importance (fANOVA)",
        "The share of the variance between trials of a search that one hyperparameter explains.",
        "Importance|fANOVA",
    ),
    Term(
        "Reference",
        "A published number of another system. It is shown for comparison and is never called replicated.",
        r"[Rr]eference(?=[ :)])",
    ),
)
"""Every term, in the order in which they are explained."""


def terms_in(*texts: str) -> Iterator[Term]:
    """Yield the terms that occur in any of ``texts``, in the order of :data:`GLOSSARY`."""
    return (term for term in GLOSSARY if any(term.find(text) for text in texts))
