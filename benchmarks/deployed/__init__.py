"""Whole installations: a Prefect server, the deployments of `reportback deploy`, workers, a stand-in GitHub."""
