"""Text and tables as people and programs write them, and numbers as reports print them."""
