"""Text and tables in files and on the screen, and the formatting of numbers."""
