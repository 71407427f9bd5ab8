"""Delivery in SQL: records reports, claims and settles leases, finds due reports, plans verification."""
