"""Keep the folder that a job made as `FOLDER/JOB`: whole, without what leads out of it, and not for ever."""

import asyncio
import errno
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from uuid import UUID

from domain.quantities import size_in_words
from domain.summary import public
from domain.text import Say
from tasks.folders import (
    CopyFailed,
    copy_folder,
    everything_in,
    newest_first,
    now_is_its_time,
    size_of,
    within,
    write_out,
)
from tasks.scratch import scratch, scratch_here

MOST_TOLD = 20
"""Dropped names that are told one by one."""


class NotKept(Exception):
    """The output is not kept. The message may be shown to anybody."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where outputs are kept: the `most` newest, and none for longer than `longest`."""

    folder: Path
    most: int
    longest: timedelta


async def keep_output(
    copy: Path, path: str, job_id: UUID, outputs: Outputs, *, most_bytes: int | None, say: Say
) -> None:
    """Keep *path* of the working copy as the job's output, in the place of an earlier execution's.

    Files and folders only, readable by everybody who may enter `outputs.folder`. A symbolic link stays if it leads to
    something within the output; whatever else is dropped, and *say* told of it.

    Raises:
        NotKept: it is no folder, larger than *most_bytes*, or could not be copied.
    """
    source = within(copy, path)
    if source is None or source.is_symlink() or not source.is_dir():
        raise NotKept(f"output not kept: {path} is no folder of the working copy")
    try:
        size = await asyncio.to_thread(size_of, source)
        if most_bytes is not None and size > most_bytes:
            raise NotKept(
                f"output not kept: {path} has {size_in_words(size)} bytes; its limit is {size_in_words(most_bytes)}"
            )
        outputs.folder.mkdir(parents=True, exist_ok=True)
        async with scratch(outputs.folder) as made:
            kept = outputs.folder / str(job_id)
            await _keep(source, made, kept, say)
            if failed := _remove_old(outputs, made, just_made=kept):  # which says nothing of this job
                say(f"{len(failed)} old outputs could not be removed: {failed[0].strerror}")
    except CopyFailed as error:
        raise NotKept(f"output not kept: {public(str(error))}") from None
    except OSError as error:
        raise NotKept(f"output not kept: {error.strerror}") from None


def remove_old_outputs(outputs: Outputs) -> None:
    """Remove what is too much or too old, and what is left of keepers that died.

    Raises OSError: some could not be removed; all others are.
    """
    if outputs.folder.is_dir():
        with scratch_here(outputs.folder) as bin_:
            failed = _remove_old(outputs, bin_)
        if failed:
            raise failed[0]


async def _keep(source: Path, made: Path, kept: Path, say: Say) -> None:
    new = made / token_hex(16)  # a name that no link of the job's can lead through
    await copy_folder(source, new)
    dropped = await asyncio.to_thread(lambda: list(_tidy(new)))
    for name in dropped[:MOST_TOLD]:
        say(f"output: {name!r} is dropped: it is no file and no folder, and no link to one within the output")
    if len(dropped) > MOST_TOLD:
        say(f"output: {len(dropped) - MOST_TOLD:,} more are dropped")
    now_is_its_time(new)
    await asyncio.to_thread(write_out, new)
    _replace(kept, new, made)


def _replace(kept: Path, new: Path, made: Path) -> None:
    """Put *new* in the place of what an earlier execution kept, which stays if that fails."""
    while True:
        before = made / token_hex(16)
        try:
            kept.rename(before)
        except FileNotFoundError:  # there was no earlier execution
            pass
        except OSError as error:
            raise NotKept(f"output not kept: that of an earlier execution cannot be moved: {error.strerror}") from None
        # Nothing stands there until the next line: POSIX cannot put a folder in the place of one that is not empty.
        try:
            new.rename(kept)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # another execution was quicker
                continue
            with suppress(OSError):
                before.rename(kept)
            raise
        return


def _tidy(folder: Path) -> Iterator[str]:
    """Drop from *folder* what is neither file nor folder nor a link to one within it, and tell its names.

    What stays can be read, and run with nobody else's rights.
    """
    root = folder.resolve()
    folder.chmod(0o755)
    for path in map(Path, everything_in(folder)):
        kind = path.lstat().st_mode
        if stat.S_ISDIR(kind):
            path.chmod(0o755)
        elif stat.S_ISREG(kind):
            path.chmod(0o644)
        elif not (stat.S_ISLNK(kind) and _leads_into(path, root)):
            path.unlink()
            yield str(path.relative_to(folder))


def _leads_into(link: Path, root: Path) -> bool:
    try:
        return not link.readlink().is_absolute() and link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # it leads nowhere, or in a circle
        return False


def _remove_old(outputs: Outputs, bin_: Path, *, just_made: Path | None = None) -> list[OSError]:
    """Move what is too much or too old to *bin_*, which goes with all that is in it. Nothing but outputs is touched.

    *just_made* stays, and counts. Returns why some could not be moved; they hold up no others.
    """
    oldest, failed = time.time() - outputs.longest.total_seconds(), list[OSError]()
    most = outputs.most - (just_made is not None)
    try:
        found = newest_first(outputs.folder, _is_job_id, just_made=just_made)
    except OSError as error:
        return [error]
    for count, (made_at, kept) in enumerate(found):
        if count >= most or made_at < oldest:
            try:
                kept.rename(bin_ / f"old-{kept.name}")
            except FileNotFoundError:  # somebody else was quicker
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
