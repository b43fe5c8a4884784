"""Comparisons of a study's scores with published claims, and of its arms with each other."""
