"""Features: planes computed from audio once, and cached."""
