"""Maintenance of a whole ledger: move, restore from a backup, import from the system before Reportback."""
