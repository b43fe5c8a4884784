"""Comparisons of systems from any code as tables, a figure and a page."""
