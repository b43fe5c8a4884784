"""Speed and memory, measured; never asserted in tests. `python -m benchmarks NAME ...` runs them."""
