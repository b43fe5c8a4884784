"""Reproduce published sound-classification results, honestly and fast."""

__version__ = "0.1.0"
