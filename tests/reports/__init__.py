"""The reports that are committed: every number follows from the predictions beside it."""
