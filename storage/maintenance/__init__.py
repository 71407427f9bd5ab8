"""A ledger as a whole: moved, put back from a copy, or filled from the system before this one."""
