"""The executions of jobs as SQL."""
