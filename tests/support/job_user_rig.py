"""Runs jobs as job users, for tests that may switch users."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from callbacks import idle_callbacks
from repositories import Origin
from world import World, accept, order

from domain.jobs.job_type import JobType
from tasks.jobs.build_cache import BuildCache
from tasks.jobs.execution_spec import EndedExecution, Work
from tasks.jobs.keep_output import Outputs
from tasks.jobs.run_execution import carry_out
from tasks.process import user_lock
from tasks.process.users import JobUser

FIRST = 100_000 + 4 * os.getpid()
"""First of four ids that no other process uses, nor another pytest: every process of these ids is killed."""
USERS = tuple(JobUser(uid, uid) for uid in range(FIRST, FIRST + 4))

PYTHONS = (os.path.realpath(sys.executable), "/usr/local/bin/python3", "/usr/bin/python3")

TOKEN = "a-token-to-push-with"
PUSH = {"branch": "main", "paths": ["docs"], "credential": "env:PUSH", "author": "Docs bot <docs@example.com>"}


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


@dataclass
class JobUserRig:
    """Runs jobs of a repository in `place`, each as one of `users`."""

    world: World
    place: Path
    origin: Origin
    users: tuple[JobUser, ...] = USERS
    lines: list[str] = field(default_factory=list)

    @property
    def outputs(self) -> Path:
        return self.place / "outputs"

    @property
    def cache(self) -> Path:
        return self.place / "cache"

    async def run(self, command: str | Sequence[str], *, job: UUID | None = None, **fields: object) -> EndedExecution:
        """Carry out a job of this script, or command, on the newest commit of `main`."""
        asked = order(sha=self.origin.head("main") or "", flow_run_id=job)
        argv = ["sh", "-ec", command] if isinstance(command, str) else list(command)
        job_type = JobType.model_validate({"name": "sphinx", "command": argv, **fields})
        work = Work(
            await accept(self.world.ledger, asked),
            asked,
            job_type,
            self.origin.url,
            Outputs(self.outputs, 10, timedelta(days=1)),
            BuildCache(self.cache, 1_000_000),
            users=self.users,
        )
        ended = await carry_out(self.world.reporter, work, idle_callbacks(self.lines))
        assert ended is not None
        return ended
