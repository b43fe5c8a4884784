"""Data sets, their splits and what these leak: from a data root to a ClipTable and Splits."""
