"""Makes a reply that is small on the wire and large once decompressed."""

import gzip

COMPRESSED = {"content-encoding": "gzip, gzip"}
"""The Content-Encoding of such a reply."""

BLANKS = 64 * 2**20


def bomb(body: bytes) -> bytes:
    """*body* followed by blanks, which JSON allows, compressed twice."""
    return gzip.compress(gzip.compress(body + b" " * BLANKS, 1))
