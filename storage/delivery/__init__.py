"""The promise as SQL: who may send for a target, what became of it, and what is due."""
