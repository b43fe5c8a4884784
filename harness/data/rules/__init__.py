"""The split rules that ship with the harness, one family a file; :data:`harness.registry.SPLITS` finds them here."""
