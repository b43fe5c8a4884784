"""Sections as LaTeX, Markdown and PDF."""
