"""Fold-wise training, from a FoldTask to a FoldResult and its metrics."""
