"""The job files of the system before this one, as far as they are read."""
