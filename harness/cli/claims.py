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


@claims_group.command("audit", short_help="Check the numbers of a paper, or of all, for consistency.")
@CLAIMS
@click.argument("paper", required=False)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for LaTeX, CSV and JSON files.  [default: reports/audit-PAPER, or reports/claims-audit]",
)
def claims_audit_command(claims: tuple[Path, ...], paper: str | None, output: Path | None) -> None:
    """Audit PAPER: averages, dispersions, attainable accuracies, layer counts, agreement of text and tables.

    Without PAPER every claims file is audited, into one table.
    """
    from harness.claims import load_library
    from harness.cli.output.show_claims import show_audit, show_survey

    library = load_library(claims)
    if paper is None:
        from harness.report.claims_site.survey_files import write_survey

        surveys, _ = write_survey(library, folder := output or Path("reports") / "claims-audit")
        show_survey(surveys, folder)
        return
    from harness.claims.audit.checks import audit
    from harness.report.audit_files import write_audit

    result = audit(library.paper(paper))
    files = write_audit(result, output or Path("reports") / f"audit-{paper}")
    show_audit(result, files)


@claims_group.command("site", short_help="Write claims, audits and replications as a static site.")
@CLAIMS
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path), help="Folder of the site.")
@click.option("--only", is_flag=True, help="Leave out the claims files that ship with the package.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Report of a study whose comparisons with claims are shown; may be repeated.",
)
def claims_site_command(
    claims: tuple[Path, ...], files: tuple[Path, ...], output: Path, only: bool, reports: tuple[Path, ...]
) -> None:
    """Write a static site: a page for each paper and data set, with protocols, audits and replications.

    The included claims files are shown, and those in FILES and --claims. Pages need no server and fetch nothing.
    """
    from harness.claims import load_library
    from harness.cli.output.show_claims import show_site
    from harness.report.claims_site.site import write_site

    library = load_library(claims, files, built_in=not only)
    if not library.papers:
        raise click.UsageError("--only leaves out the included claims files: name one of your own")
    show_site(library, output, write_site(library, output, reports))


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
