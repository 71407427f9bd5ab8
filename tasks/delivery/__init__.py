"""The promise as effects: the one way a status is sent, and what makes up for senders that died."""
