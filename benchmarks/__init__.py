"""Benchmarks: `make bench` runs those of `benchmarks.__main__`; other commands here say themselves what they do."""
