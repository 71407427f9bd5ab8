"""Everything on this machine: a Prefect server, the deployments and a stand-in GitHub; for the demo, `up` and tests."""
