"""GitHub's commit-status API over HTTP: one request per call, and what came of it as a value. No retries, no policy."""
