"""Job users and a place that is open to them, for tests that may switch users."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tasks.process import user_lock
from tasks.process.users import JobUser

FIRST = 100_000 + 4 * os.getpid()
"""First of four ids that no other process uses, nor another pytest: every process of these ids is killed."""
USERS = tuple(JobUser(uid, uid) for uid in range(FIRST, FIRST + 4))

PYTHONS = (os.path.realpath(sys.executable), "/usr/local/bin/python3", "/usr/bin/python3")


def job_python() -> str:
    """A Python that every user may run; this one may lie in a closed home folder."""
    me = USERS[0]
    for python in PYTHONS:
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([python, "-c", ""], cwd="/", check=True, user=me.uid, group=me.gid, extra_groups=())
            return python
    raise AssertionError(f"none of {PYTHONS} can be run by another user")


@contextmanager
def open_place() -> Iterator[Path]:
    """A folder that every user may pass through, with a folder for temporary files that is as open as /tmp."""
    # pytest's own folders are closed to others
    place = Path(tempfile.mkdtemp(prefix="reportback-rig-", dir="/tmp"))
    try:
        place.chmod(0o711)
        (place / "tmp").mkdir()
        (place / "tmp").chmod(0o1777)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(place / "tmp"))
            patch.setattr(user_lock, "LOCKS", place / "locks")
            yield place
    finally:
        shutil.rmtree(place)
