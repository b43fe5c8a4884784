"""The data sets that ship with the harness, one family a file; :data:`harness.registry.DATASETS` finds them here."""
