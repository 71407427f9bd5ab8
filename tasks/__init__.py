"""Effects in order: the only layer that joins github_api and storage. Prefect's tasks, and what they call."""
