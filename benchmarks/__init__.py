"""Benchmarks, each a command such as `python -m benchmarks.hour`."""
