"""The engine and its peers at the same two jobs: `python -m benchmarks.peers`."""
