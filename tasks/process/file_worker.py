"""Works on a job's files in a process of its own, which can be ended at any moment: copies, reads, gives, looks.

    python -I -S file_worker.py WORK

WORK is JSON: {"do": "copy", "files": 1000, "size": 1000000, …} with what the function of that name takes. `files` and
`size` bound what is worked on: so many files and folders, of so many bytes. It writes what it finds out, a line each,
behind "+ ". The exit code is 0, or 1, and the last line then says why: "> files" or "> size" for what it is beyond,
"! " and words for all else. Other lines are `cp`'s.

A disk that does not answer holds up this process alone. It keeps no list of files. The standard library only.
"""

import ctypes
import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

MOST_TOLD = 20
"""Dropped names that are told one by one."""


class CannotWork(Exception):
    """It is not done. The message may be shown to anybody."""


class BeyondLimit(Exception):
    """The message is the bound's name."""


class Count:
    """Of files and folders, and of their bytes: bounded. Symbolic links count by themselves."""

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
    """Where *path*, which is relative, stands in *root*; None if a symbolic link on the way leads out of it.

    Nothing needs to stand there; what does may itself be a symbolic link, and is not followed.
    """
    place = root / path
    try:
        return place if place.parent.resolve().is_relative_to(root.resolve()) else None
    except RuntimeError:  # until Python 3.12: it leads in a circle
        return None


def everything_in(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What stands in *folder*, at any depth, a folder before what is in it; nothing if it is no folder, or a link.

    No link is followed. `os.walk` does follow *folder* itself, recurses until Python 3.11, and passes over what it
    cannot look into.

    Raises:
        OSError: a folder is closed to us, or its path too long.
    """
    folders = [] if folder.is_symlink() or not folder.is_dir() else [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                yield entry


def copy(
    bounds: Count,
    from_to: Sequence[tuple[str, str]],
    tops: Iterable[str] = (),
    user: tuple[int, int] | None = None,
    *,
    is_output: bool = False,
    lasts: bool = False,
) -> None:
    """Copy each folder or file to where nothing stands; symbolic links as they are. Tells the bytes of all.

    The copies are ours, whosever they were, and none of their programs runs with our rights for who starts it. Of an
    output, only what may be shown stays. Afterwards *tops*, and all in them, are *user*'s; and what *lasts* stands on
    the disk.
    """
    for source, _ in from_to:
        for _ in _counted(Path(source), bounds):
            pass
    again = Count(bounds.files, bounds.size)  # what is copied, whatever changes meanwhile
    for source, made in from_to:
        _cp(source, made)
        if is_output:
            _tell_dropped(_tidied(Path(made), again))
        else:
            _lend_nothing(Path(made), again)
    if user:
        give(bounds, tops, user)
    if lasts:
        _write_out(Path(from_to[0][1]).parent)
    _tell(f"size {bounds.bytes}")


def give(_: Count, tops: Iterable[str], user: tuple[int, int]) -> None:
    """Make *tops* and all in them *user*'s. Links are given themselves: what they lead to stays whose it is.

    Only for what no job has touched yet: a job can put a second name of somebody else's file there. It was bounded when
    it was made, and may have more beside it, such as what git needs.
    """
    for top in map(Path, tops):
        os.lchown(top, *user)
        for one in everything_in(top):
            os.lchown(one.path, *user)


def digest(bounds: Count, root: str, paths: Iterable[str]) -> None:
    """Tell the SHA-256 of each of *paths* in *root*; "-" for one that is no file there."""
    for path in paths:
        place = within(Path(root), path)
        if place is None or place.is_symlink() or not place.is_file():
            _tell("-")
            continue
        bounds.add(place.stat().st_size)
        with place.open("rb") as opened:
            _tell(hashlib.file_digest(opened, "sha256").hexdigest())


def look(bounds: Count, root: str, paths: Iterable[str]) -> None:
    """Tell of each of *paths* whether it is "there" in *root*, or "absent".

    Raises:
        CannotWork: one leads out of it, has a repository of its own in it, or cannot be looked through.
    """
    for path in paths:
        place = within(Path(root), path)
        if place is None:
            raise CannotWork(f"{path} leads out of the working copy")
        if not os.path.lexists(place):
            _tell("absent")
            continue
        try:
            inner = next((one for one, _ in _counted(place, bounds) if one.name.lower() == ".git"), None)
        except OSError as error:  # where we cannot look, git may find a repository
            raise CannotWork(f"{path} cannot be looked through: {error.strerror}") from None
        if inner:
            raise CannotWork(f"{inner.parent.relative_to(root)} is a repository of its own")
        _tell("there")


def _counted(top: Path, count: Count) -> Iterator[tuple[Path, os.stat_result]]:
    """*top* and all in it. Raises OSError, BeyondLimit."""
    status = top.lstat()
    count.add(status.st_size)
    yield top, status
    for one in everything_in(top):
        status = one.stat(follow_symlinks=False)
        count.add(status.st_size)
        yield Path(one.path), status


def _cp(source: str, made: str) -> None:
    command = ("cp", "-a", "--no-preserve=ownership", "-T", "--", source, made)
    if os.spawnvp(os.P_WAIT, "cp", command) != 0:  # noqa: S606  # no shell
        raise CannotWork("cp failed")  # it has said why


def _lend_nothing(top: Path, count: Count) -> None:
    """Take setuid and setgid from all in *top*: set by a job, they were its own rights, and would be ours now."""
    for path, status in _counted(top, count):
        if status.st_mode & (stat.S_ISUID | stat.S_ISGID) and not stat.S_ISLNK(status.st_mode):
            path.chmod(stat.S_IMODE(status.st_mode) & 0o777)


def _tidied(top: Path, count: Count) -> Iterator[Path]:
    """Drop from *top* what is neither file nor folder nor a link to one within it: that.

    What stays can be read, and run with nobody else's rights.
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


def _write_out(folder: Path) -> None:
    """Have all that was written to the disk of *folder* stand there."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(opened) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(opened)


def _leads_into(link: Path, root: Path) -> bool:
    try:
        return not link.readlink().is_absolute() and link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # it leads nowhere, or in a circle
        return False


def _tell_dropped(dropped: Iterable[Path]) -> None:
    count = 0
    for count, path in enumerate(dropped, start=1):
        if count <= MOST_TOLD:
            _tell(f"dropped {str(path)!r}")
    if count > MOST_TOLD:
        _tell(f"more {count - MOST_TOLD}")


def _tell(words: str) -> None:
    sys.stdout.write(f"+ {words}\n")


WORK: dict[str, Callable[..., None]] = {work.__name__: work for work in (copy, give, digest, look)}


def main(do: str, files: int, size: int, **asked: object) -> str:
    """Do it. What its last line says; empty: it is done."""
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
