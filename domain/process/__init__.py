"""Bounds of a process: limits, users, and how a command ended."""
