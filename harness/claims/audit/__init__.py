"""The audit of a paper from its printed numbers alone."""
