"""Copies, hashes, finds and changes the owner of a job's files, in a process that can be ended at any moment.

    python -I -S file_worker.py WORK

WORK is JSON: {"do": "copy", "files": 1000, "size": 1000000, …} with the arguments of the function of that name. `files`
and `size` are the bounds: so many files and folders, of so many bytes. It writes each result as a line that begins with
"+ ". The exit code is 0, or 1, and the last line then says why: "> files" or "> size" for an exceeded bound, else "! "
and a message. Other lines are those of `cp` and `chown`.

A disk that does not answer holds up this process alone. It keeps no list of files. The standard library only.
"""

import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))  # -I leaves it out

from tasks.process.kernel import flush_disk_of

MOST_LISTED = 20
"""Dropped names that are listed one by one."""


class CannotWork(Exception):
    """The work failed. The message may be public."""


class BeyondLimit(Exception):
    """A bound is exceeded; the message is its name."""


class Count:
    """Counts files and folders, and their bytes, up to a bound. A symbolic link counts itself."""

    def __init__(self, files: int, size: int) -> None:
        self.files, self.size = files, size
        self.found = self.bytes = 0

    def add(self, size: int) -> None:
        """Count one of so many bytes. Raises BeyondLimit."""
        self.found += 1
        self.bytes += size
        if self.found > self.files:
            raise BeyondLimit("files")
        if self.bytes > self.size:
            raise BeyondLimit("size")


def within(root: Path, path: str) -> Path | None:
    """The relative *path* in *root*; None if a symbolic link on the way leads out of it.

    It need not exist; if it is itself a symbolic link, that is not followed.
    """
    place = root / path
    try:
        return place if place.parent.resolve().is_relative_to(root.resolve()) else None
    except RuntimeError:  # until Python 3.12: it leads in a circle
        return None


def copy(
    bounds: Count,
    from_to: Sequence[tuple[str, str]],
    tops: Iterable[str] = (),
    user: tuple[int, int] | None = None,
    *,
    is_output: bool = False,
    lasts: bool = False,
) -> None:
    """Copy each folder or file to where nothing exists; symbolic links as they are. Prints the bytes of all.

    The copies are owned by us, without setuid and setgid bits. Of an output, only what may be shown is kept. Afterwards
    *tops*, and all in them, belong to *user*; with *lasts*, all is flushed to the disk.
    """
    content = 0
    for source, _ in from_to:
        for _, status in _counted(Path(source), bounds):
            content += 1 + (0 if stat.S_ISDIR(status.st_mode) else status.st_size)  # a folder's size is its disk's
    again = Count(bounds.files, bounds.size)  # what is copied, whatever changes meanwhile
    for source, made in from_to:
        _run("cp", "-a", "--no-preserve=ownership", "-T", "--", source, made)
        if is_output:
            _print_dropped(_clean_output(Path(made), again))
        else:
            _clear_setuid(Path(made), again)
    if user and tops:
        change_owner(bounds, tops, user)
    if lasts:
        flush_disk_of(Path(from_to[0][1]).parent)
    _print_fact(f"size {bounds.bytes}")
    _print_fact(f"content {content}")


def change_owner(_: Count, tops: Iterable[str], user: tuple[int, int]) -> None:
    """Change the owner of *tops* and all in them to *user*; of a link itself, not of what it leads to.

    Only for what no job has touched yet: a job can put a hard link to another user's file there. The bounds applied
    when it was made; there may be more beside it, such as git's own files.
    """
    _run("chown", "-hR", "--", f"{user[0]}:{user[1]}", *tops)


def digest(bounds: Count, root: str, paths: Iterable[str]) -> None:
    """Print the SHA-256 of each of *paths* in *root*; "-" for one that is no file there."""
    for path in paths:
        place = within(Path(root), path)
        if place is None or place.is_symlink() or not place.is_file():
            _print_fact("-")
            continue
        bounds.add(place.stat().st_size)
        with place.open("rb") as opened:
            _print_fact(hashlib.file_digest(opened, "sha256").hexdigest())


def find(bounds: Count, root: str, paths: Iterable[str]) -> None:
    """Print for each of *paths* whether it is "there" in *root*, or "absent".

    Raises:
        CannotWork: one leads out of it, contains a repository of its own, or cannot be searched.
    """
    for path in paths:
        place = within(Path(root), path)
        if place is None:
            raise CannotWork(f"{path} leads out of the working copy")
        if not os.path.lexists(place):
            _print_fact("absent")
            continue
        try:
            inner = next((one for one, _ in _counted(place, bounds) if one.name.lower() == ".git"), None)
        except OSError as error:  # in an unreadable folder, git may find a repository
            raise CannotWork(f"{path} cannot be searched: {error.strerror}") from None
        if inner:
            raise CannotWork(f"{inner.parent.relative_to(root)} is a repository of its own")
        _print_fact("there")


def _counted(top: Path, count: Count) -> Iterator[tuple[Path, os.stat_result]]:
    """*top* and all in it, each folder before its content. Follows no link.

    `os.walk` follows *top* itself, recurses until Python 3.11, and skips what it cannot read.

    Raises:
        OSError: a folder is closed to us, or its path too long.
        BeyondLimit: there is too much.
    """
    status = top.lstat()
    count.add(status.st_size)
    yield top, status
    folders = [str(top)] if stat.S_ISDIR(status.st_mode) else []
    while folders:
        with os.scandir(folders.pop()) as found:
            for one in found:
                status = one.stat(follow_symlinks=False)
                count.add(status.st_size)
                if stat.S_ISDIR(status.st_mode):
                    folders.append(one.path)
                yield Path(one.path), status


def _run(*command: str) -> None:
    if os.spawnvp(os.P_WAIT, command[0], command) != 0:  # noqa: S606  # no shell
        raise CannotWork(f"{command[0]} failed")  # it has printed why


def _clear_setuid(top: Path, count: Count) -> None:
    """Clear setuid and setgid on all in *top*: set by a job, they gave its rights, and would give ours now."""
    for path, status in _counted(top, count):
        if status.st_mode & (stat.S_ISUID | stat.S_ISGID) and not stat.S_ISLNK(status.st_mode):
            path.chmod(stat.S_IMODE(status.st_mode) & 0o777)


def _clean_output(top: Path, count: Count) -> Iterator[Path]:
    """Remove from *top*, and yield, what is neither file nor folder nor a link to one within it.

    The rest becomes readable by all, without setuid and setgid bits.
    """
    root = top.resolve()
    for path, status in _counted(top, count):
        if stat.S_ISDIR(status.st_mode):
            path.chmod(0o755)
        elif stat.S_ISREG(status.st_mode):
            path.chmod(0o644)
        elif not (stat.S_ISLNK(status.st_mode) and _leads_into(path, root)):
            path.unlink()
            yield path.relative_to(top)


def _leads_into(link: Path, root: Path) -> bool:
    try:
        return not link.readlink().is_absolute() and link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # it leads nowhere, or in a circle
        return False


def _print_dropped(dropped: Iterable[Path]) -> None:
    count = 0
    for count, path in enumerate(dropped, start=1):
        if count <= MOST_LISTED:
            _print_fact(f"dropped {str(path)!r}")
    if count > MOST_LISTED:
        _print_fact(f"more {count - MOST_LISTED}")


def _print_fact(words: str) -> None:
    sys.stdout.write(f"+ {words}\n")


WORK: dict[str, Callable[..., None]] = {work.__name__: work for work in (copy, change_owner, digest, find)}


def main(do: str, files: int, size: int, **asked: object) -> str:
    """Do the work. Returns the last line to print; empty: it succeeded."""
    try:
        WORK[do](Count(files, size), **asked)
    except BeyondLimit as error:
        return f"> {error}"
    except CannotWork as error:
        return f"! {error}"
    except OSError as error:
        return f"! {error.strerror}"
    return ""


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # it is the text file of a process
    failed = main(**json.loads(sys.argv[1]))
    sys.stdout.write(" ".join(failed.splitlines()) + "\n")
    sys.exit(bool(failed))
