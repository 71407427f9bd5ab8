"""Keeps a job's output folder as `FOLDER/JOB`: complete, without links out of it, for a limited time."""

import errno
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from uuid import UUID

from domain.process.limits import NO_LIMITS, OUTPUT_FIELD, FileBounds, Limits
from domain.redact import public
from tasks.process.background import Stop, never
from tasks.process.file_worker import within
from tasks.process.files import USUAL, FileWorkFailed, copy_files
from tasks.process.temp_dirs import newest_first, scratch, scratch_here, set_mtime_to_now

logger = logging.getLogger("reportback.jobs")


class NotKept(Exception):
    """The output is not kept. The message may be public."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where outputs are kept: the `most` newest; beyond `longest` only the newest of each place."""

    folder: Path
    most: int
    longest: timedelta


NEWEST = ".newest"
"""A folder beside the outputs: for each repository and context a file that names its newest output."""


async def keep_output(
    copy: Path, path: str, job_id: UUID, outputs: Outputs, limits: Limits = NO_LIMITS, *, place: str = ""
) -> list[str]:
    """Keep *path* of the working copy as the job's output, replacing that of an earlier execution.

    *place*: the repository and context that it is of, whose newest output stays as long as older ones can go.

    Files and folders only, readable by all that may enter `outputs.folder`. A symbolic link is kept if it leads to
    something within the output; all else is dropped: returns lines that name it.

    Raises:
        NotKept: it is no folder, beyond *limits*, or could not be copied.
        NoSpace: the disk has become too full.
    """
    source = within(copy, path)
    if source is None or source.is_symlink() or not source.is_dir():
        raise NotKept(f"output not kept: {path} is no folder of the working copy")
    try:
        outputs.folder.mkdir(parents=True, exist_ok=True)
        async with scratch(outputs.folder) as made:
            kept = outputs.folder / str(job_id)
            dropped = await _keep(source, made, kept, _bounds(limits))
            _note_newest(outputs.folder, place, job_id, made)
            if failed := _remove_old(outputs, made, just_made=kept):  # no failure of this job
                logger.warning("%d old outputs could not be removed: %s", len(failed), failed[0].strerror)
    except FileWorkFailed as error:
        raise NotKept(f"output not kept: {public(str(error))}") from None
    except OSError as error:
        raise NotKept(f"output not kept: {error.strerror}") from None
    return dropped


def remove_old_outputs(outputs: Outputs, stop: Stop = never) -> None:
    """Remove surplus and old outputs, and what processes that died have left.

    Raises OSError: some could not be removed; all others are.
    """
    if outputs.folder.is_dir():
        with scratch_here(outputs.folder, stop) as bin_:
            failed = _remove_old(outputs, bin_)
        if failed:
            raise failed[0]


def _bounds(limits: Limits) -> FileBounds:
    bounds = limits.for_files(USUAL)
    return bounds if limits.output is None else bounds.at_most(limits.output, OUTPUT_FIELD)


async def _keep(source: Path, made: Path, kept: Path, bounds: FileBounds) -> list[str]:
    new = made / token_hex(16)  # a random name, through which no link of the job's can lead
    copied = await copy_files([(source, new)], bounds, is_output=True, lasts=True)
    set_mtime_to_now(new)
    _replace(kept, new, made)
    why = "it is no file and no folder, and no link to one within the output"
    more = [f"output: {copied.more:,} more are dropped"] if copied.more else []
    return [*(f"output: {name} is dropped: {why}" for name in copied.dropped), *more]


def _replace(kept: Path, new: Path, made: Path) -> None:
    """Replace the output of an earlier execution, which stays if that fails."""
    while True:
        before = made / token_hex(16)
        try:
            kept.rename(before)
        except FileNotFoundError:  # there was no earlier execution
            pass
        except OSError as error:
            raise NotKept(f"output not kept: that of an earlier execution cannot be moved: {error.strerror}") from None
        # There is no output until the next line: POSIX cannot replace a folder that is not empty.
        try:
            new.rename(kept)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # another execution was quicker
                continue
            with suppress(OSError):
                before.rename(kept)
            raise
        return


def _note_newest(folder: Path, place: str, job_id: UUID, made: Path) -> None:
    """Note that *job_id* has the newest output of *place*. A full disk or a missing right does not fail the job."""
    if not place:
        return
    try:
        (folder / NEWEST).mkdir(exist_ok=True)
        note = made / token_hex(16)
        note.write_text(str(job_id), encoding="utf-8")
        note.replace(folder / NEWEST / sha256(place.encode()).hexdigest())
    except OSError as error:
        logger.warning("the newest output of a context is not noted: %s", error.strerror)


def _newest_of_places(folder: Path) -> set[str]:
    """The names of the outputs that are the newest of their repository and context; forgets those that are gone."""
    names: set[str] = set()
    with suppress(FileNotFoundError):
        for note in (folder / NEWEST).iterdir():
            with suppress(OSError):
                name = note.read_text(encoding="utf-8")
                if _is_job_id(name) and (folder / name).exists():
                    names.add(name)
                else:
                    note.unlink()
    return names


def _remove_old(outputs: Outputs, bin_: Path, *, just_made: Path | None = None) -> list[OSError]:
    """Move surplus and old outputs to *bin_*, which is removed with its content. Touches nothing but outputs.

    *just_made* stays, and counts. Returns the errors of those that could not be moved; the others are.
    """
    oldest, failed = time.time() - outputs.longest.total_seconds(), list[OSError]()
    most = outputs.most - (just_made is not None)
    try:
        found = newest_first(outputs.folder, _is_job_id, just_made=just_made)
        newest = _newest_of_places(outputs.folder)
    except OSError as error:
        return [error]
    for count, (made_at, kept) in enumerate(sorted(found, key=lambda one: one[1].name not in newest)):
        if count >= most or (made_at < oldest and kept.name not in newest):
            try:
                kept.rename(bin_ / f"old-{kept.name}")
            except FileNotFoundError:  # another process was quicker
                pass
            except OSError as error:  # a mount point, or another user's
                failed.append(error)
    return failed


def _is_job_id(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True
