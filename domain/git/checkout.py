"""How much of a repository a job type checks out, as jobs.toml says it."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from domain.text import quoted
from domain.units import TimeLimit

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
