"""Alembic's folder: how the ledger's schema came about."""
