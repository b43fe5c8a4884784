"""The commands. Each one parses, calls one function and prints; what they do lives behind them."""

from __future__ import annotations

import errno
import io
from typing import Any

import click

from harness import __version__
from harness.cli.cache import cache_command
from harness.cli.claims import claims_group
from harness.cli.compare import compare_command
from harness.cli.data import data_group
from harness.cli.features import features_group
from harness.cli.listing import list_command, new_command, schema_command
from harness.cli.prediction import export_command, predict_command
from harness.cli.replay import diff_command, replay_command
from harness.cli.slurm import slurm_command
from harness.cli.splits import splits_group
from harness.cli.studies import (
    fields_command,
    overview_command,
    plan_command,
    report_command,
    run_study_command,
    sync_command,
    ui_command,
)
from harness.errors import HarnessError
from harness.system.environment_variables import keep_foreign_variables_out
from harness.terminal.interrupt import exit_code_of
from harness.terminal.printing import drop_unwritable_output, guard_streams, say, say_error, say_lines


class _Commands(click.Group):
    """Prints errors that the user can correct without a traceback."""

    def main(self, *args: Any, **extra: Any) -> Any:
        guard_streams()
        keep_foreign_variables_out()
        return super().main(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            # The message quotes user input.
            with io.StringIO() as shown:
                error.show(shown)
                say_lines(shown.getvalue().rstrip("\n"), err=True)
            ctx.exit(error.exit_code)
        except HarnessError as error:
            say_error(error)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as interrupt:
            say(f"interrupted{': ' if interrupt.args else ''}{interrupt}", err=True)
            ctx.exit(exit_code_of(interrupt))
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            drop_unwritable_output()
            say_error(error)
            ctx.exit(HarnessError.exit_code)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="harness")
def cli() -> None:
    """Reproduce published sound-classification results: train per fold, record every run, compare with the claims."""


for _command in (
    run_study_command,
    plan_command,
    report_command,
    overview_command,
    predict_command,
    export_command,
    sync_command,
    replay_command,
    diff_command,
    compare_command,
    claims_group,
    fields_command,
    new_command,
    features_group,
    list_command,
    schema_command,
    data_group,
    splits_group,
    cache_command,
    slurm_command,
    ui_command,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line."""
    cli(prog_name="harness")
