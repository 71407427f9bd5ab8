"""Starts a docs job on the Prefect server from a shell or a workflow, and follows it to its end."""
