"""Programs that researchers would otherwise use, each in an environment of its own, measured beside the harness."""
