"""What jobs.toml and settings say of git: addresses, a checkout, paths of a working copy, a push."""
