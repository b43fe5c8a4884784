"""Commands about published numbers."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.shared_options import CLAIMS


@click.group("claims", short_help="Published numbers: list, show, audit, check.")
def claims_group() -> None:
    """Published numbers as data: what is claimed, where, and what follows from the numbers alone."""


@claims_group.command("list", short_help="Every claim with its conditions.")
@CLAIMS
@click.argument("paper", required=False)
def claims_list_command(claims: tuple[Path, ...], paper: str | None) -> None:
    """List every claim, or those of PAPER."""
    from harness.claims import load_library
    from harness.cli.output.show_claims import show_claims

    show_claims(load_library(claims), paper)


@claims_group.command("show", short_help="One claim, or all of one paper.")
@CLAIMS
@click.argument("address")
def claims_show_command(claims: tuple[Path, ...], address: str) -> None:
    """Show the claim at ADDRESS (paper:table/column), or the source and tables of a paper."""
    from harness.claims import load_library
    from harness.cli.output.show_claims import show_claim, show_paper

    library = load_library(claims)
    if ":" in address:
        show_claim(library, address)
    else:
        show_paper(library.paper(address))


@claims_group.command("audit", short_help="What follows from a paper's numbers alone.")
@CLAIMS
@click.argument("paper")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder to write LaTeX, CSV and JSON to.  [default: reports/audit-PAPER]",
)
def claims_audit_command(claims: tuple[Path, ...], paper: str, output: Path | None) -> None:
    """Audit PAPER: averages, dispersions, attainable accuracies, layer counts, text against tables."""
    from harness.claims import load_library
    from harness.claims.audit.checks import audit
    from harness.cli.output.show_claims import show_audit
    from harness.report.topics.audits import write_audit

    result = audit(load_library(claims).paper(paper))
    files = write_audit(result, output or Path("reports") / f"audit-{paper}")
    show_audit(result, files)


@claims_group.command("check", short_help="Check a claims file of your own.")
@click.argument("file", type=click.Path(path_type=Path))
def claims_check_command(file: Path) -> None:
    """Check the claims file FILE: every fault is named; what its own numbers contradict is told."""
    from harness.claims import load_paper
    from harness.claims.audit.checks import audit
    from harness.cli.output.show_claims import show_check

    show_check(file, audit(load_paper(file)))
