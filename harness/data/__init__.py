"""Data sets, their splits and the leakage of these: from a data root to a ClipTable and Splits."""
