"""The ledger: SQL only. Each function is one statement or one transaction; the database decides races."""
