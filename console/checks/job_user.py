"""Checks the job users: that jobs can run as them, and cannot read our files."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy.engine import make_url

from console.checks.finding import Finding, bad, good
from settings import Settings
from tasks.process.command import CannotStart, run_command
from tasks.process.users import JobUser, NoJobUser, job_users

WITHIN = timedelta(seconds=10)
OPEN = 'for path; do if [ -r "$path" ] || { [ -d "$path" ] && [ -x "$path" ]; }; then echo "$path"; fi; done; true'
RUNNABLE = '[ -x "$1" ]'


async def check(settings: Settings, prefect_files: Iterable[Path]) -> list[Finding]:
    """Findings about REPORTBACK_JOB_USER here; *prefect_files* are those with Prefect's own secrets."""
    try:
        users = job_users(settings.job_user)
    except NoJobUser as error:
        return [bad("job user", str(error))]
    if not users:
        words = "none: every job is trusted with all that the worker's user can reach; SECURITY.md says what that is"
        return [good("job user", words)]
    ours = [*_embedded(settings.database_url), *prefect_files, settings.cache_dir]
    return [
        good("job user", f"jobs run as {users[0].uid}" + (f" to {users[-1].uid}" if users[1:] else ", one at a time")),
        await closed_to(users[0], ours),
        await may_run(users[0], Path(sys.executable)),
        await may_pass(users[0], Path(tempfile.gettempdir())),
    ]


def _embedded(url: str) -> Iterator[Path]:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        for suffix in ("", "-wal", "-shm"):
            yield Path(f"{parsed.database}{suffix}")


async def closed_to(user: JobUser, paths: Sequence[Path]) -> Finding:
    """Check by trying that *user* can read none of *paths*, and enter none that is a folder."""
    lines: list[str] = []
    if not await _try(user, OPEN, paths, lines):
        return bad("files of ours", f"not checked: nothing could be run as user {user.uid}")
    if not lines:
        return good("files of ours", "closed to jobs; check keys of your own yourself")
    open_to_all = [Path(line) for line in lines]
    closing = " ".join(sorted({str(path if path.is_dir() else path.parent) for path in open_to_all}))
    return bad("files of ours", f"jobs can read {', '.join(lines)}: chmod 700 {closing}")


async def may_run(user: JobUser, python: Path) -> Finding:
    """Whether jobs can run our Python, which is first on their PATH."""
    if await _try(user, RUNNABLE, [python], []):
        return good("Python for jobs", str(python))
    return bad(
        "Python for jobs",
        f"jobs cannot run {python}, so their `python` is another one, or none: install Reportback, and the Python that "
        "it was made with, where every user may pass (/opt/reportback, not a home folder)",
    )


async def may_pass(user: JobUser, folder: Path) -> Finding:
    """Whether jobs can pass through the parent of their folders."""
    if await _try(user, RUNNABLE, [folder], []):
        return good("folders for jobs", f"are made in {folder}")
    return bad("folders for jobs", f"jobs cannot pass through {folder}, where theirs are made: set another TMPDIR")


async def _try(user: JobUser, script: str, paths: Sequence[Path], lines: list[str]) -> bool:
    """Whether *script* ended with 0."""
    try:
        done = await run_command(
            ("/bin/sh", "-c", script, "sh", *map(str, paths)),
            cwd=Path("/"),
            env={"PATH": os.defpath},
            timeout=WITHIN,
            on_line=lines.append,
            user=user,
        )
    except CannotStart:
        return False
    return done.exit_code == 0
