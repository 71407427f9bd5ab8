"""Rules for a command's output: progress, counts, and the line that names the error."""
