"""A job's push in tests of git: what it pushes where, and hooks of the repository that gets it."""

from pathlib import Path

from repositories import Origin

from domain.git.push import Push
from tasks.git.push import push_changes

BRANCH = "main"
PUSH = Push(
    branch=BRANCH, paths=("docs",), credential="env:PUSH_TOKEN", author="Docs bot <docs@example.com>", message=None
)
LINES = "".join(f"line {number}\n" for number in range(20))


async def push(copy: Path, origin: Origin, sha: str, asked: Push = PUSH, **changes: object) -> str | None:
    """Push what differs in *copy* from *sha*, by *asked* with *changes*."""
    changed = asked.model_copy(update=changes)
    return await push_changes(copy, changed, clone_url=origin.url, sha=sha, token="a-token", message="update")


def hook(origin: Origin, name: str, script: str) -> None:
    """Have the repository run *script* as its hook *name*."""
    path = origin.bare / "hooks" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
