"""Audio that is the same, or nearly the same, in different files."""
