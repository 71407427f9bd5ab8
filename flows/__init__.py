"""Prefect flows: the order of effects, without HTTP or SQL. Each module is one deployment."""
