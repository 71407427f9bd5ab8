"""What jobs.toml says of a working copy: how much is checked out, which commands prepare it, what of that is cached."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from domain.text import quoted
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


MOST_COMMITS = 1_000_000
TIME_FIELD = "checkout.timeout"


def _history(value: object) -> object:
    if value == "full" or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_COMMITS):
        return value
    raise ValueError(f'{quoted(value)} is no history; allowed: "full", or the number of commits, 1 to {MOST_COMMITS}')


class Checkout(BaseModel):
    """How much of a repository a job finds in its working copy.

    `history`: how many commits, with their tags. `lfs`: files of Git LFS have their content. `submodules`: they are
    checked out, too, and theirs. `timeout`: limit for all of it; None: that of `limits.file_work`, or the default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout: TimeLimit | None = None
    history: Annotated[Literal["full"] | int, BeforeValidator(_history)] = 1
    lfs: Annotated[bool, Field(strict=True)] = False
    submodules: Annotated[bool, Field(strict=True)] = False

    @property
    def depth(self) -> tuple[str, ...]:
        """The argument of git's fetch for this much history."""
        return () if self.history == "full" else (f"--depth={self.history}",)


ONE_COMMIT = Checkout()


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
