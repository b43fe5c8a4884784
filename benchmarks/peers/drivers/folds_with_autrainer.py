"""autrainer: the five folds as five data sets of one ``autrainer train``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.peers.drivers import with_autrainer
from benchmarks.peers.drivers.job import job


def main() -> None:
    """Train and evaluate every fold."""
    asked = job()
    folds = sorted(path.name for path in Path(asked.items).glob("fold*"))
    with_autrainer.configured(asked, Path(asked.scratch))
    conf = Path(asked.scratch, "conf")
    whole = (conf / "dataset" / "Items.yaml").read_text(encoding="utf-8")
    for fold in folds:
        own = whole.replace("id: Items", f"id: {fold}").replace(
            f"path: {asked.items}", f"path: {asked.items}/{fold}\nfeatures_path: {asked.items}"
        )
        (conf / "dataset" / f"{fold}.yaml").write_text(own, encoding="utf-8")
    config = (conf / "config.yaml").read_text(encoding="utf-8")
    hooks = "callbacks:\n  - benchmarks.peers.drivers.autrainer_parts.Hooks\n"
    swept = config.replace(hooks, "").replace("dataset: Items", f"dataset: {', '.join(folds)}")
    (conf / "config.yaml").write_text(swept, encoding="utf-8")
    os.chdir(asked.scratch)
    del sys.argv[1:]
    import autrainer.cli

    autrainer.cli.train()


if __name__ == "__main__":
    main()
