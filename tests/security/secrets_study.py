"""Run by test_secrets in a process of its own: commands that meet secrets everywhere, also in what fails."""

from __future__ import annotations

import json
import sys

from harness.cli import cli

# Each is {"arguments": [...], "fails_with": error text of every training, or null}.
for order in json.load(sys.stdin):
    if order["fails_with"]:
        import harness.training.loop

        def train_together(*_: object, text: str = order["fails_with"]) -> object:
            raise RuntimeError(text)

        harness.training.loop.train_together = train_together  # type: ignore[assignment]
    sys.argv = ["harness", *order["arguments"]]
    try:
        cli(order["arguments"], prog_name="harness")
    except SystemExit as end:
        sys.stdout.write(f"exit code {end.code}\n")
        sys.stdout.flush()
