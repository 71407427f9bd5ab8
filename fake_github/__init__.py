"""A stand-in GitHub: a surface, such as commit statuses, on a real socket, faults by script, and a page per commit.

Imports nothing of the project, so that a mistake there cannot be repeated here.
"""
