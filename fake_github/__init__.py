"""A stand-in GitHub: commit statuses and check runs on a real socket, faults by script, and a page per commit.

Imports nothing of the project, so that a mistake there cannot be repeated here.
"""
