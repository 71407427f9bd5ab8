"""The rules of jobs: what jobs.toml declares, and what a request may ask for."""
