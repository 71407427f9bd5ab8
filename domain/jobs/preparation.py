"""Preparation steps in jobs.toml: commands that run before a job's own, and what is cached of them between jobs."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.units import TimeLimit

DEFAULT_TIMEOUT = timedelta(minutes=5)

Argument = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")]
Command = Annotated[tuple[Argument, ...], Field(min_length=1)]
"""A program and its arguments, run without a shell."""


def _inside(path: str) -> str:
    parts = path.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or not path.isprintable():
        raise ValueError(f'{path!r} must lead into the working copy: relative, without ".", ".." and empty names')
    if ".git" in map(str.lower, parts):
        raise ValueError(f"{path!r} leads into a folder of git's own")
    return "/".join(parts)


WorkingCopyPath = Annotated[str, Field(min_length=1, max_length=250), AfterValidator(_inside)]
"""A file or folder of the working copy, relative to it; not a pattern."""

Paths = Annotated[tuple[WorkingCopyPath, ...], Field(min_length=1, max_length=50)]


class Cache(BaseModel):
    """`paths`: the files that the command makes. `key`: the files that determine them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paths: Paths
    key: Paths


class Preparation(BaseModel):
    """A command run before the job's own, in the same environment, unless its result is in the cache."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: Command
    timeout: TimeLimit = DEFAULT_TIMEOUT
    cache: Cache | None = None
