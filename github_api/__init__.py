"""GitHub's commit-status API over HTTP: one request per call, its outcome as a value. No retries, no policy."""
