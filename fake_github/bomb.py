"""A reply that is small on the wire, and large for whoever takes its compression off."""

import gzip

COMPRESSED = {"content-encoding": "gzip, gzip"}
"""What the head of such a reply says."""

BLANKS = 64 * 2**20


def bomb(body: bytes) -> bytes:
    """*body* with blanks behind it, which JSON allows, compressed twice."""
    return gzip.compress(gzip.compress(body + b" " * BLANKS, 1))
