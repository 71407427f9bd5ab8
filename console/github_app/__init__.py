"""Makes a GitHub App."""
