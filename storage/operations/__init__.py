"""What an operator asks of the ledger, and what is forgotten after a time."""
