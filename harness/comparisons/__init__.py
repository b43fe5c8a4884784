"""A study's scores beside published claims, and its arms beside each other."""
