"""Sections as one HTML file that needs no other file, no server and no script to be read."""
