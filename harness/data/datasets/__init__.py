"""The data sets that ship with the harness, one family per file; :data:`harness.registry.DATASETS` finds them here."""
