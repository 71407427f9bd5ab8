"""Rules for processes: limits, users, identity, and how a command ended."""
