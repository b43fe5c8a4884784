"""Reproduction of published sound-classification results: training, records, comparison."""

__version__ = "0.1.0"
