"""Runs everything on one machine: a Prefect server, the deployments and a stand-in GitHub; for demo, `up`, tests."""
