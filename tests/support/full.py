"""How much tests enumerate: a part, in seconds, or everything with REPORTBACK_TEST_FULL=1, in minutes."""

import os
from collections.abc import Iterable
from itertools import product
from typing import Any

FULL = bool(os.environ.get("REPORTBACK_TEST_FULL"))
DATABASES = ("sqlite", "postgresql")
SQLITE_OR_ALL = DATABASES if FULL else ("sqlite",)
"""For tests whose result does not depend on the database."""


def thinned(*axes: Iterable[object]) -> list[tuple[Any, ...]]:
    """One value of each axis, in every combination. By default every second of them, as on a chessboard.

    So each value occurs, and beside half of the values of every other axis.
    """
    combined = product(*map(enumerate, axes))
    return [tuple(value for _, value in one) for one in combined if FULL or sum(place for place, _ in one) % 2 == 0]
