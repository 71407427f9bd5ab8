"""Make a working copy ready for a job's command: run what its type says, or take what that made before."""

import asyncio
import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from domain.preparation import Preparation
from tasks.cache import Cache, discard, restore, save
from tasks.command import CannotStart
from tasks.folders import CopyFailed, within
from tasks.ownership import give
from tasks.scratch import remove
from tasks.surroundings import Surroundings

FORMAT = 1
"""Of the cache's entries: those of another one are not found."""

SHARE = 0.5
"""Of the lines that may still be sent to Prefect, so that most remain for the job's own command."""


class PreparationFailed(Exception):
    """The command cannot be run. The message may be shown to anybody."""


async def prepare(steps: Sequence[Preparation], around: Surroundings, cache: Cache | None, *, scope: str) -> None:
    """Carry out *steps*, in order. *scope* is shared by the jobs that may use each other's cache: their repository.

    Raises:
        PreparationFailed: one of them could not be started, or did not exit with 0.
    """
    for step in steps:
        kept = await _Kept.of(step, around, cache, scope)
        if kept is None:
            await _run(step, around)
        elif not await kept.restore():
            await _run(step, around)
            await kept.save()


async def _run(step: Preparation, around: Surroundings) -> None:
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
    around: Surroundings
    called: str

    @classmethod
    async def of(cls, step: Preparation, around: Surroundings, cache: Cache | None, scope: str) -> "_Kept | None":
        """None: the step has no cache, or its cache cannot be used here."""
        if step.cache is None or cache is None:
            return None
        called = " ".join(step.command)
        places = [place for path in step.cache.paths if (place := within(around.copy, path)) and not _stands(place)]
        if len(places) < len(step.cache.paths):
            around.say(f"{called}: no cache: its paths lead to something that the working copy has already")
            return None
        key = await asyncio.to_thread(_key, step, around.copy, scope)
        if key is None:
            around.say(f"{called}: no cache: a file of its key is not there")
            return None
        return cls(cache, key, step.cache.paths, places, around, called)

    async def restore(self) -> bool:
        made = [_first_made(place) for place in self.places]
        try:
            if not await restore(self.cache, self.key, self.places):
                return False
            if self.around.user:
                for top in made:
                    await asyncio.to_thread(give, top, self.around.user)
        except (CopyFailed, OSError) as error:
            for top in made:
                await asyncio.to_thread(_discard, top)
            self.around.say(f"{self.called}: the cache could not be used: {error}")
            with suppress(OSError):
                await discard(self.cache, self.key)
            return False
        self.around.say(f"{self.called}: taken from the cache")
        return True

    async def save(self) -> None:
        try:
            if [within(self.around.copy, path) for path in self.paths] != list(self.places):
                said = "not kept in the cache: one of its paths leads elsewhere now"
            elif not all(map(_stands, self.places)):
                said = "nothing to keep: it has not made all of its paths"
            elif await save(self.cache, self.key, self.places, say=self.around.say):
                said = "kept in the cache"
            else:
                said = "not kept: larger than the whole cache may be"
        except (CopyFailed, OSError) as error:
            said = f"not kept in the cache: {error}"
        self.around.say(f"{self.called}: {said}")


def _stands(place: Path) -> bool:
    return os.path.lexists(place)


def _discard(place: Path) -> None:
    with suppress(OSError):
        place.unlink()
    remove(place)


def _first_made(place: Path) -> Path:
    """What does not stand there yet of the way to *place*."""
    return next((parent for parent in reversed(place.parents) if not _stands(parent)), place)


def _key(step: Preparation, copy: Path, scope: str) -> str | None:
    """What decides what the step makes, in one word; None: a file that it names is not there."""
    assert step.cache is not None
    files = [_digest(copy, name) for name in step.cache.key]
    if None in files:
        return None
    machine = os.uname()
    decides = [FORMAT, scope, machine.sysname, machine.machine, step.command, step.cache.paths, step.cache.key, files]
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()


def _digest(copy: Path, name: str) -> str | None:
    place = within(copy, name)
    if place is None or place.is_symlink() or not place.is_file():
        return None
    with place.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
