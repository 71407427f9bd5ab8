"""Surfaces of GitHub, and how the stand-in creates and lists what each shows."""
