"""What the pages show: papers with their audits, claims by data set, replications, and where each page is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.claims import Claim, Library, Paper, claims_of
from harness.claims.audit.checks import CHECKS, HEADLINE_CHECKS, audit
from harness.claims.audit.finding import Audit
from harness.registry import DATASETS
from harness.report.folder.results_file import Comparison
from harness.report.report_section import unique_stems

INDEX, AUDITS, CLAIMS_CSV = "index.html", "audit.html", "claims.csv"


@dataclass(frozen=True)
class OwnResult:
    """A comparison of a study's report with a published accuracy."""

    study: str
    comparison: Comparison


@dataclass(frozen=True)
class Shown:
    """The contents of the site.

    Attributes
    ----------
    library
        The papers.
    results
        Comparisons of studies' reports with their accuracies.
    """

    library: Library
    results: Sequence[OwnResult] = ()

    @property
    def papers(self) -> Sequence[Paper]:
        """Every paper, in the order of the files."""
        return tuple(self.library.papers.values())

    @cached_property
    def audits(self) -> dict[str, Audit]:
        """The audit of every paper, by key."""
        return {key: audit(paper, (*CHECKS, *HEADLINE_CHECKS)) for key, paper in self.library.papers.items()}

    @cached_property
    def datasets(self) -> dict[str, list[Claim]]:
        """The claims of each data set, those that the harness has first."""
        found: dict[str, list[Claim]] = {}
        for claim in self.library.claims():
            found.setdefault(claim.table.dataset, []).append(claim)
        return dict(sorted(found.items(), key=lambda item: (item[0] not in DATASETS, item[0])))

    @cached_property
    def paper_pages(self) -> dict[str, str]:
        """The page of each paper below the folder of the site."""
        return {key: f"papers/{stem}.html" for key, stem in unique_stems(list(self.library.papers)).items()}

    @cached_property
    def dataset_pages(self) -> dict[str, str]:
        """The page of each data set below the folder of the site."""
        return {name: f"datasets/{stem}.html" for name, stem in unique_stems(list(self.datasets)).items()}

    def links(self, up: str = "") -> dict[str, str]:
        """Return addresses by cell text: of papers by key, of claims, and of data sets by title.

        ``up`` leads from the page to the folder of the site.
        """
        found = {title_of(name): up + page for name, page in self.dataset_pages.items()}
        found |= {key: up + page for key, page in self.paper_pages.items()}
        for paper in self.papers:
            anchors = table_anchors(paper)
            for claim in claims_of(paper):
                found[claim.address] = f"{up}{self.paper_pages[paper.source.key]}#{anchors[claim.table.id]}"
        return found

    def ways(self, up: str = "") -> list[tuple[str, str]]:
        """Return the pages that every page leads to."""
        datasets = [(title_of(name), up + page) for name, page in self.dataset_pages.items()]
        return [("All claims", up + INDEX), *datasets, ("Audit", up + AUDITS)]

    def replications_of(self, key: str) -> Iterator[Claim]:
        """Yield the claims of other papers that tried the system of ``key`` again."""
        return (claim for claim in self.library.claims() if claim.table.replicates == key)


def table_anchors(paper: Paper) -> dict[str, str]:
    """Return the section of each table on the page of its paper."""
    return {name: f"claims-{stem}" for name, stem in unique_stems([table.id for table in paper.tables]).items()}


def title_of(dataset: str) -> str:
    """Return what prose calls a data set."""
    return DATASETS.get(dataset).title if dataset in DATASETS else dataset
