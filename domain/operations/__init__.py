"""Presentation for operators: pages, metrics, log lines and remedies for rejections."""
