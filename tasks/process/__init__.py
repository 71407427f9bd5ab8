"""Runs a job's processes and works on its files, with limits and a supervisor. Knows no reports."""
