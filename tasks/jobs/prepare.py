"""Make a working copy ready for a job's command: run what its type says, or take what that made before."""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from domain.jobs.preparation import Preparation
from domain.process.limits import FileBounds
from tasks.jobs.build_cache import Cache, discard, restore, save
from tasks.jobs.environment import BuildEnvironment
from tasks.process.background import Stop, aside
from tasks.process.command import CannotStart
from tasks.process.disk_space import NoSpace
from tasks.process.file_worker import within
from tasks.process.files import USUAL, FileWorkFailed, TooMuch, digests
from tasks.process.temp_dirs import REMOVAL, remove

FORMAT = 1
"""Of the cache's entries: those of another one are not found."""

SHARE = 0.5
"""Of the lines that may still be sent to Prefect, so that most remain for the job's own command."""


class PreparationFailed(Exception):
    """The command cannot be run. The message may be shown to anybody."""


async def prepare(steps: Sequence[Preparation], around: BuildEnvironment, cache: Cache | None, *, scope: str) -> None:
    """Carry out *steps*, in order. *scope* is shared by the jobs that may use each other's cache: their repository.

    Raises:
        PreparationFailed: one of them could not be started, or did not exit with 0.
        NoSpace: the disk has become too full.
    """
    for step in steps:
        kept = await _Kept.of(step, around, cache, scope)
        if kept is None:
            await _run(step, around)
        elif not await kept.restore():
            await _run(step, around)
            await kept.save()


async def _run(step: Preparation, around: BuildEnvironment) -> None:
    try:
        ran = await around.run(step.command, step.timeout, share=SHARE)
    except CannotStart as error:
        raise PreparationFailed(f"preparation failed: {error}") from None
    if ran.finished.exit_code != 0:
        raise PreparationFailed(f"preparation failed: {step.command[0]}: {around.summary(ran, step.timeout)}")


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a step makes, in the cache. That it cannot be used or kept is said, and fails nothing."""

    cache: Cache
    key: str
    paths: Sequence[str]
    places: Sequence[Path]
    around: BuildEnvironment
    called: str

    @classmethod
    async def of(cls, step: Preparation, around: BuildEnvironment, cache: Cache | None, scope: str) -> "_Kept | None":
        """None: the step has no cache, or its cache cannot be used here."""
        if step.cache is None or cache is None:
            return None
        called = " ".join(step.command)
        places = [place for path in step.cache.paths if (place := within(around.copy, path)) and not _stands(place)]
        if len(places) < len(step.cache.paths):
            around.say(f"{called}: no cache: its paths lead to something that the working copy has already")
            return None
        try:
            key = await _key(step, around, scope)
        except FileWorkFailed as error:
            around.say(f"{called}: no cache: the files of its key cannot be read: {error}")
            return None
        if key is None:
            around.say(f"{called}: no cache: a file of its key is not there")
            return None
        return cls(cache, key, step.cache.paths, places, around, called)

    @property
    def bounds(self) -> FileBounds:
        """Of each copy."""
        return self.around.limits.for_files(USUAL)

    async def restore(self) -> bool:
        """Raises NoSpace."""
        made = [_first_made(place) for place in self.places]
        try:
            if not await restore(self.cache, self.key, self.places, self.bounds, tops=made, user=self.around.user):
                return False
        except (FileWorkFailed, OSError) as error:
            for top in made:
                await aside(partial(_discard, top), longest=REMOVAL)
            self.around.say(f"{self.called}: the cache could not be used: {error}")
            if not isinstance(error, TooMuch):  # for another job type it may be little
                with suppress(OSError):
                    await discard(self.cache, self.key)
            return False
        self.around.say(f"{self.called}: taken from the cache")
        return True

    async def save(self) -> None:
        """That it cannot be kept for want of room fails nothing either."""
        try:
            if [within(self.around.copy, path) for path in self.paths] != list(self.places):
                said = "not kept in the cache: one of its paths leads elsewhere now"
            elif not all(map(_stands, self.places)):
                said = "nothing to keep: it has not made all of its paths"
            else:
                await save(self.cache, self.key, self.places, self.bounds, say=self.around.say)
                said = "kept in the cache"
        except (FileWorkFailed, OSError, NoSpace) as error:
            said = f"not kept in the cache: {error}"
        self.around.say(f"{self.called}: {said}")


def _stands(place: Path) -> bool:
    return os.path.lexists(place)


def _discard(place: Path, stop: Stop) -> None:
    with suppress(OSError):
        place.unlink()
    remove(place, stop)


def _first_made(place: Path) -> Path:
    """What does not stand there yet of the way to *place*."""
    return next((parent for parent in reversed(place.parents) if not _stands(parent)), place)


async def _key(step: Preparation, around: BuildEnvironment, scope: str) -> str | None:
    """What decides what the step makes, in one word; None: a file that it names is not there.

    Raises FileWorkFailed.
    """
    assert step.cache is not None
    files = await digests(around.copy, step.cache.key, around.limits.for_files(USUAL))
    if None in files:
        return None
    machine = os.uname()
    decides = [FORMAT, scope, machine.sysname, machine.machine, step.command, step.cache.paths, step.cache.key, files]
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()
