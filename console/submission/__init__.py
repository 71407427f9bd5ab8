"""A docs job started on the Prefect server from a shell or a workflow, and followed to its end."""
