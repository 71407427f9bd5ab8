"""Reads the job files of the system before Reportback."""
