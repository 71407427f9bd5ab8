"""Runs a job: accept, check out, prepare, run the command, keep the output, push, end."""
