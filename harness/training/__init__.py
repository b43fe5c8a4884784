"""Fold-wise training: from a FoldTask to a FoldResult, and what is measured on it."""
