"""What jobs.toml says of the preparation of a working copy: commands, and what of it is cached."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.git.paths import Paths
from domain.units import TimeLimit

DEFAULT_TIMEOUT = timedelta(minutes=5)

Argument = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")]
Command = Annotated[tuple[Argument, ...], Field(min_length=1)]
"""A program and its arguments, run without a shell."""


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
