# ruff: noqa: INP001 - no package, but Sphinx's own layout
"""The handbook, as Sphinx builds it."""

project = "Handbook"
author = "The handbook's authors"
release = version = "1.0"
nitpicky = True
html_copy_source = False
