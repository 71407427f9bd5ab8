"""Runs git: checks a commit out, and pushes what a job has changed."""
