"""Planes of clips by each program: a driver for each library, and the race."""
