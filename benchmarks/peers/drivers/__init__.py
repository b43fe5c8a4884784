"""One training by each program: a driver runs in its program's environment and takes orders from the benchmark."""
