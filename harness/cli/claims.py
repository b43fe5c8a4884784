"""Commands about published numbers."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.shared_options import CLAIMS


@click.group("claims", short_help="List, show, audit or check published numbers.")
def claims_group() -> None:
    """Published numbers as data: the claims, their sources, and what can be inferred from the numbers alone."""


@claims_group.command("list", short_help="List claims with their conditions.")
@CLAIMS
@click.argument("paper", required=False)
def claims_list_command(claims: tuple[Path, ...], paper: str | None) -> None:
    """List every claim, or those of PAPER."""
    from harness.claims import load_library
    from harness.cli.output.show_claims import show_claims

    show_claims(load_library(claims), paper)


@claims_group.command("show", short_help="Show one claim, or all of a paper.")
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


@claims_group.command("audit", short_help="Check the numbers of a paper for consistency.")
@CLAIMS
@click.argument("paper")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for LaTeX, CSV and JSON files.  [default: reports/audit-PAPER]",
)
def claims_audit_command(claims: tuple[Path, ...], paper: str, output: Path | None) -> None:
    """Audit PAPER: averages, dispersions, attainable accuracies, layer counts, agreement of text and tables."""
    from harness.claims import load_library
    from harness.claims.audit.checks import audit
    from harness.cli.output.show_claims import show_audit
    from harness.report.topics.audits import write_audit

    result = audit(load_library(claims).paper(paper))
    files = write_audit(result, output or Path("reports") / f"audit-{paper}")
    show_audit(result, files)


@claims_group.command("check", short_help="Validate your own claims file.")
@click.argument("file", type=click.Path(path_type=Path))
def claims_check_command(file: Path) -> None:
    """Check the claims file FILE: report every error, and every contradiction among its own numbers.

    `harness new claims NAME` writes an annotated example.
    """
    from harness.claims import load_paper
    from harness.claims.audit.checks import audit
    from harness.cli.output.show_claims import show_check
    from harness.errors import ClaimsError

    try:
        paper = load_paper(file)
    except ClaimsError as error:
        if not file.is_file():
            raise
        raise ClaimsError(*error.args, "`harness new claims NAME` writes an annotated example") from None
    show_check(file, paper, audit(paper))
