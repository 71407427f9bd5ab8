"""Job executions in SQL: their lifecycle and liveness."""
