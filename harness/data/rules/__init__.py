"""The split rules that ship with the harness, one family per file; :data:`harness.registry.SPLITS` finds them here."""
