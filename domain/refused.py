"""What is said of input that is refused, to whoever wrote it and in logs that others read."""

from domain.output.summary import without_credentials
from domain.text import cut, one_line

MOST = 500
"""Characters of what is said of one field: it may quote what stands there."""


def told(message: str) -> str:
    """*message* as one line of at most 500 characters, without credentials, that does nothing to a terminal."""
    return cut(one_line(without_credentials(message)), MOST)
