"""Prefect tasks and their steps: the only layer that combines github_api and storage."""
