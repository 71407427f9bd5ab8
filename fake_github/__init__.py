"""A stand-in GitHub: commit statuses on a real socket, with faults by script and a web page per commit.

Imports nothing of the project, so that a mistake there cannot be repeated here.
"""
