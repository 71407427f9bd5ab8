"""Refuses wrong calls, settings and job types before anything starts, each in one sentence."""
