"""What the commands print. Each file imports only what its own command has loaded already."""
