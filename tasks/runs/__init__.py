"""Reads Prefect's flow runs, records those that died before their job, and corrects their states."""
