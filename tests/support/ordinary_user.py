"""Makes the process an ordinary user, for programs that tests run: root ignores permissions."""

import os
from pathlib import Path

NOBODY = 65534
PYTHONPATH = f"{Path(__file__).parents[2]}:{Path(__file__).parent}"
"""With which such a program finds our modules and this one."""


def become_ordinary(place: Path | None = None) -> None:
    """Give root up, if this is root; *place* belongs to the ordinary user then."""
    if os.geteuid() != 0:
        return
    if place is not None:
        os.chown(place, NOBODY, NOBODY)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
