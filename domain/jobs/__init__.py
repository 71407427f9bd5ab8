"""Rules of jobs: what jobs.toml declares, and what a request may contain."""
