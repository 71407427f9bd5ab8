"""The ledger: SQL, and nothing else. One statement or one transaction a function; the database decides races."""
