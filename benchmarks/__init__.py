"""What takes long to measure. Each module is a command: `python -m benchmarks.hour`."""
