"""Parses the user that jobs run as: a named user, or a range of ids of which each running job gets one."""

import re
from dataclasses import dataclass
from typing import TypeAlias

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,30}\$?")
IDS = re.compile(r"(?P<first>\d{1,10})(?:-(?P<last>\d{1,10}))?")

HIGHEST = 2**32 - 2
"""The id above it means "no change" in system calls."""
MOST = 1024


@dataclass(frozen=True, slots=True)
class Ids:
    """User ids from `first` to `last`, which need not have names."""

    first: int
    last: int


Named: TypeAlias = str | Ids


def parse_job_user(text: str) -> Named:
    """A user's name, or ids such as 70000 or 70000-70063.

    Raises:
        ValueError: it is neither.
    """
    found = IDS.fullmatch(text)
    if found is None:
        if NAME.fullmatch(text):
            return text
        raise ValueError("REPORTBACK_JOB_USER is neither a user's name nor ids such as 70000-70063")
    ids = Ids(int(found["first"]), int(found["last"] or found["first"]))
    if not 0 < ids.first <= ids.last <= HIGHEST:
        raise ValueError(f"REPORTBACK_JOB_USER names ids from 1, root's being 0, to {HIGHEST}, the lower one first")
    if ids.last - ids.first >= MOST:
        raise ValueError(f"REPORTBACK_JOB_USER names at most {MOST:,} ids")
    return ids
