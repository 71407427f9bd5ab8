"""Imports the outcomes that the previous system has not reported, from its job files."""
