"""Runs a job type's prepare steps in the working copy, or restores what they made from the cache."""

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
from tasks.jobs.build_cache import BuildCache, discard, restore, save
from tasks.jobs.run_commands import BuildEnvironment
from tasks.process.background import Stop, run_in_background
from tasks.process.command import CannotStart
from tasks.process.disk_space import NoSpace
from tasks.process.file_worker import within
from tasks.process.files import USUAL, FileWorkFailed, TooMuch, digests
from tasks.process.temp_dirs import REMOVAL, remove

FORMAT = 1
"""The format version of cache entries: those of another version are not found."""

SHARE = 0.5
"""A step's share of the lines that may still be sent to Prefect: most remain for the job's own command."""


class PreparationFailed(Exception):
    """The command cannot be run. The message may be public."""


async def prepare(
    steps: Sequence[Preparation], environment: BuildEnvironment, cache: BuildCache | None, *, scope: str
) -> None:
    """Run *steps* in order. *scope* is shared by the jobs that may use each other's cache: their repository.

    Raises:
        PreparationFailed: one of them could not be started, or did not exit with 0.
        NoSpace: the disk has become too full.
    """
    for step in steps:
        kept = await _CachedStep.of(step, environment, cache, scope)
        if kept is None:
            await _run(step, environment)
        elif not await kept.restore():
            await _run(step, environment)
            await kept.save()


async def _run(step: Preparation, environment: BuildEnvironment) -> None:
    try:
        ran = await environment.run(step.command, step.timeout, share=SHARE)
    except CannotStart as error:
        raise PreparationFailed(f"preparation failed: {error}") from None
    if ran.finished.exit_code != 0:
        raise PreparationFailed(f"preparation failed: {step.command[0]}: {environment.summary(ran, step.timeout)}")


@dataclass(frozen=True, slots=True)
class _CachedStep:
    """A step and its cache entry. Errors of the cache are logged and fail nothing."""

    cache: BuildCache
    key: str
    paths: Sequence[str]
    places: Sequence[Path]
    environment: BuildEnvironment
    called: str

    @classmethod
    async def of(
        cls, step: Preparation, environment: BuildEnvironment, cache: BuildCache | None, scope: str
    ) -> "_CachedStep | None":
        """The step with its entry. None: the step has no cache, or it cannot be used here."""
        if step.cache is None or cache is None:
            return None
        called = " ".join(step.command)
        places = [
            place for path in step.cache.paths if (place := within(environment.copy, path)) and not _exists(place)
        ]
        if len(places) < len(step.cache.paths):
            environment.say(f"{called}: no cache: its paths lead to something that the working copy has already")
            return None
        try:
            key = await _key(step, environment, scope)
        except FileWorkFailed as error:
            environment.say(f"{called}: no cache: the files of its key cannot be read: {error}")
            return None
        if key is None:
            environment.say(f"{called}: no cache: a file of its key is not there")
            return None
        return cls(cache, key, step.cache.paths, places, environment, called)

    @property
    def bounds(self) -> FileBounds:
        """The bounds of each copy."""
        return self.environment.limits.for_files(USUAL)

    async def restore(self) -> bool:
        """Restore the entry. False: there is none, or it cannot be used. Raises NoSpace."""
        made = [_first_made(place) for place in self.places]
        try:
            if not await restore(self.cache, self.key, self.places, self.bounds, tops=made, user=self.environment.user):
                return False
        except (FileWorkFailed, OSError) as error:
            for top in made:
                await run_in_background(partial(_discard, top), longest=REMOVAL)
            self.environment.say(f"{self.called}: the cache could not be used: {error}")
            if not isinstance(error, TooMuch):  # for another job type it may be little
                with suppress(OSError):
                    await discard(self.cache, self.key)
            return False
        self.environment.say(f"{self.called}: taken from the cache")
        return True

    async def save(self) -> None:
        """Store what the step made. A lack of space fails nothing either."""
        try:
            if [within(self.environment.copy, path) for path in self.paths] != list(self.places):
                said = "not kept in the cache: one of its paths leads elsewhere now"
            elif not all(map(_exists, self.places)):
                said = "nothing to keep: it has not made all of its paths"
            else:
                await save(self.cache, self.key, self.places, self.bounds)
                said = "kept in the cache"
        except (FileWorkFailed, OSError, NoSpace) as error:
            said = f"not kept in the cache: {error}"
        self.environment.say(f"{self.called}: {said}")


def _exists(place: Path) -> bool:
    return os.path.lexists(place)


def _discard(place: Path, stop: Stop) -> None:
    with suppress(OSError):
        place.unlink()
    remove(place, stop)


def _first_made(place: Path) -> Path:
    """The first folder on the way to *place* that does not exist yet."""
    return next((parent for parent in reversed(place.parents) if not _exists(parent)), place)


async def _key(step: Preparation, environment: BuildEnvironment, scope: str) -> str | None:
    """The hash of all that determines what the step makes; None: a file that it names does not exist.

    Raises FileWorkFailed.
    """
    assert step.cache is not None
    files = await digests(environment.copy, step.cache.key, environment.limits.for_files(USUAL))
    if None in files:
        return None
    machine = os.uname()
    decides = [FORMAT, scope, machine.sysname, machine.machine, step.command, step.cache.paths, step.cache.key, files]
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()
