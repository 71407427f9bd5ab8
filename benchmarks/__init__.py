"""Benchmarks, each a command such as `python -m benchmarks.hour`; `row_for_row` also compares ledgers for tests."""
