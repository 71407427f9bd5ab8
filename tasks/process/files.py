"""Works on a job's files in a separate, bounded process, which ends with its caller and holds up no other job."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from domain.process.ended_by import EndedBy
from domain.process.limits import FileBounds
from tasks.process.command import CannotStart, run_command
from tasks.process.disk_space import with_room
from tasks.process.users import JobUser

WORK = Path(__file__).with_name("file_worker.py")
USUAL = timedelta(minutes=15)
"""Time limit for one copy or other file work, where the job type sets none."""


class FileWorkFailed(Exception):
    """The work is not done, or in part. The message, of the system, `cp` or `chown`, may hold paths."""


class TooMuch(FileWorkFailed):
    """A limit is exceeded, which the message names. It may be public."""


@dataclass(frozen=True, slots=True)
class Copied:
    """The result of a copy. `dropped`: some of what was left out; `more`: how many more there are.

    `content`: the number of files and folders plus the bytes of the files, which is the same for every copy.
    """

    size: int
    content: int
    dropped: Sequence[str]
    more: int


async def copy_files(
    from_to: Sequence[tuple[Path, Path]],
    bounds: FileBounds,
    *,
    is_output: bool = False,
    lasts: bool = False,
    tops: Sequence[Path] = (),
    user: JobUser | None = None,
) -> Copied:
    """Copy each folder or file to where nothing exists; symbolic links as they are.

    The copies are owned by us, without setuid and setgid bits; *tops*, and all in them, belong to *user* afterwards, if
    there is one. Of an output, only files and folders are kept, and links within it. With *lasts*, all is flushed to
    the disk when this returns, and can be renamed into place.

    Raises:
        FileWorkFailed: no right to read or write, a path that is too long, or beyond *bounds*.
        NoSpace: the disk has become too full.
    """
    asked = {
        "from_to": [(str(source), str(made)) for source, made in from_to],
        "is_output": is_output,
        "lasts": lasts,
        "tops": [str(top) for top in tops] if user else [],
        "user": (user.uid, user.gid) if user else None,
    }
    lines = await with_room(_work("copy", bounds, **asked), from_to[0][1].parent)
    facts = [line.split(" ", 1) for line in lines]
    numbers = {name: int(words) for name, words in facts if name != "dropped"}
    return Copied(
        numbers["size"],
        numbers["content"],
        [words for name, words in facts if name == "dropped"],
        numbers.get("more", 0),
    )


async def hand_over(folders: Sequence[Path], user: JobUser, bounds: FileBounds) -> None:
    """Change the owner of *folders*, which are in scratch folders, and all in them to *user*, and close them to others.

    The scratch folders around them stay ours: *user* may pass through, and not list them.

    No job has touched *folders* yet. Raises FileWorkFailed.
    """
    await _work("change_owner", bounds, tops=[str(folder) for folder in folders], user=(user.uid, user.gid))
    for folder in folders:
        folder.chmod(0o700)
        folder.parent.chmod(0o711)


async def digests(root: Path, paths: Sequence[str], bounds: FileBounds) -> list[str | None]:
    """The SHA-256 of each of *paths* in *root*; None for one that is no file there. Raises FileWorkFailed."""
    return [None if facts == "-" else facts for facts in await _work("digest", bounds, root=str(root), paths=paths)]


async def are_there(root: Path, paths: Sequence[str], bounds: FileBounds) -> list[bool]:
    """Whether each of *paths* exists in *root*.

    Raises:
        FileWorkFailed: one leads out of it, contains a repository of its own, or cannot be searched.
    """
    return [facts == "there" for facts in await _work("find", bounds, root=str(root), paths=paths)]


@dataclass(slots=True)
class _WorkerOutput:
    """The output of the process: its facts, the first other line, and the last line."""

    facts: list[str] = field(default_factory=list)
    other: str = ""
    last: str = ""

    def take(self, line: str) -> None:
        self.last = line
        if line.startswith("+ "):
            self.facts.append(line[2:])
        else:
            self.other = self.other or line


async def _work(do: str, bounds: FileBounds, **asked: object) -> list[str]:
    output, work = _WorkerOutput(), json.dumps({"do": do, "files": bounds.files, "size": bounds.size, **asked})
    try:
        done = await run_command(
            (sys.executable, "-I", "-S", str(WORK), work),
            cwd=Path("/"),
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            timeout=bounds.time,
            on_line=output.take,
            grace=timedelta(0),
        )
    except CannotStart as error:
        raise FileWorkFailed(str(error)) from None
    if done.ended_by is EndedBy.TIME_LIMIT:
        raise TooMuch(bounds.beyond_time)
    if done.exit_code == 0:
        return output.facts
    if output.last in ("> files", "> size"):
        raise TooMuch(bounds.beyond(output.last.removeprefix("> ")))
    raise FileWorkFailed(output.other.removeprefix("! ") or f"the work on its files ended: {done.ended_by.value}")
