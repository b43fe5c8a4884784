"""Tests on numbers: folds against a claim, arms against each other, and what can be concluded."""
