"""The commands `reportback jobs list`, `check`, `schema` and `run`, for authors of job types."""
