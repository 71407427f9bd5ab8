"""Queries for operators (metrics, overview, lists, history), and retention."""
