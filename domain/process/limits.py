"""Resource limits of jobs in jobs.toml: memory, processes, files and sizes."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.units import Size, TimeLimit, size_in_words

MEMORY = 8 * 1024**3
"""More than any process of a docs job is known to use; stops a leaking one before it takes a large machine's memory."""
PROCESSES = 500
FILES = 200_000
TOTAL_SIZE = 10 * 1024**3

FILES_FIELD, SIZE_FIELD, TIME_FIELD = "limits.files", "limits.total_size", "limits.file_work"
OUTPUT_FIELD = "limits.output"


@dataclass(frozen=True, slots=True)
class FileBounds:
    """The most files and folders, their total bytes, and the time that one piece of work on files may take.

    `size_field`, `time_field`: the fields of jobs.toml that set these limits; empty: none.
    """

    files: int
    size: int
    time: timedelta
    size_field: str = SIZE_FIELD
    time_field: str = TIME_FIELD

    def beyond(self, what: str) -> str:
        """A message for too many files (*what* "files") or too large ones ("size"), which may be shown in public."""
        if what == "files":
            return f"more than {self.files:,} files and folders: {FILES_FIELD} bounds it"
        return f"more than {size_in_words(self.size)} bytes: {self.size_field} bounds it"

    @property
    def beyond_time(self) -> str:
        """A message for work that takes too long."""
        words = f"not done within {self.time.total_seconds():g} s"
        return f"{words}: {self.time_field} bounds it" if self.time_field else words

    def at_most(self, size: int, field: str) -> "FileBounds":
        """These bounds with the limit for the size lowered to *size*, if that is less."""
        return self if size > self.size else replace(self, size=size, size_field=field)


class Limits(BaseModel):
    """Limits of a job; None: unlimited. All but `file_size` and `output` have defaults.

    `memory`: bytes of private writable memory of each process. `file_size`: bytes of any one file that it writes.
    `processes`: a command's processes at once. `output`: bytes of the kept folder. `files`, `total_size`: files and
    folders, and their total bytes, that are checked out, cached, kept or pushed at once. `file_work`: how long that may
    take; None: the default of each kind of work.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory: Size | None = MEMORY
    file_size: Size | None = None
    processes: Annotated[int, Field(ge=1, le=100_000, strict=True)] | None = PROCESSES
    output: Size | None = None
    files: Annotated[int, Field(ge=1, le=100_000_000, strict=True)] = FILES
    total_size: Size = TOTAL_SIZE
    file_work: TimeLimit | None = None

    def for_files(self, usual: timedelta) -> FileBounds:
        """The bounds of one piece of work on files, which may take *usual* unless the job type says otherwise."""
        return FileBounds(self.files, self.total_size, self.file_work or usual)


NO_LIMITS = Limits(memory=None, processes=None)
"""Limits of our own programs, such as git."""


def as_argument(limits: Limits) -> str:
    """The limits on processes as text, such as "memory=1000000,processes=64"; empty without any."""
    held = {"memory": limits.memory, "file_size": limits.file_size, "processes": limits.processes}
    return ",".join(f"{name}={most}" for name, most in held.items() if most is not None)
