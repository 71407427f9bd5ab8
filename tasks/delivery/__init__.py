"""Delivers reports exactly once: the only code that sends a status, and the recovery from senders that died."""
