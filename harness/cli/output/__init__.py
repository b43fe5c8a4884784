"""Output of the commands. Each file imports only what its own command has already loaded."""
