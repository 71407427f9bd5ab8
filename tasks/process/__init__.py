"""Processes and files of a job: bounded, supervised, and gone at its end. Knows no report."""
