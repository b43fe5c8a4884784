"""Where fold tasks run."""
