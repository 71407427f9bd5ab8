"""Check runs in the ledger: what GitHub is known to have of each execution that reports as one."""
