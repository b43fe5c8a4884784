"""Folders of reports: reading, checking and placing files."""
