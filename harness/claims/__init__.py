"""Published numbers as data, and the audit of papers from their numbers alone."""

from harness.claims.claim import Claim
from harness.claims.claims_file import load_paper, parse_paper
from harness.claims.library import BUILT_IN, FOLDER, Library, claims_of, load_library
from harness.claims.paper import NOT_STATED, AccuracyTable, Column, LayerTable, Paper, Source, Statement
from harness.claims.printed import Printed

__all__ = [
    "BUILT_IN",
    "FOLDER",
    "NOT_STATED",
    "AccuracyTable",
    "Claim",
    "Column",
    "LayerTable",
    "Library",
    "Paper",
    "Printed",
    "Source",
    "Statement",
    "claims_of",
    "load_library",
    "load_paper",
    "parse_paper",
]
