"""What a command prints: progress, counts, and the line that says why it failed."""
