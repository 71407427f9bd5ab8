"""What jobs.toml says of how much of its machine a job may use, and how much of ours its files."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.units import Size, TimeLimit, size_in_words

MEMORY = 8 * 1024**3
"""More than any process of a docs job is known to take; one that leaks is stopped before it has a large machine's."""
PROCESSES = 500
FILES = 200_000
TOTAL_SIZE = 10 * 1024**3

FILES_FIELD, SIZE_FIELD, TIME_FIELD = "limits.files", "limits.total_size", "limits.file_work"
OUTPUT_FIELD = "limits.output"


@dataclass(frozen=True, slots=True)
class FileBounds:
    """How many files and folders, of how many bytes together, may be worked on, and how long that may take.

    `size_field`, `time_field`: where people bound them; empty: nowhere.
    """

    files: int
    size: int
    time: timedelta
    size_field: str = SIZE_FIELD
    time_field: str = TIME_FIELD

    def beyond(self, what: str) -> str:
        """That there are too many ("files"), or that they are too large ("size"), for anybody to read."""
        if what == "files":
            return f"more than {self.files:,} files and folders: {FILES_FIELD} bounds it"
        return f"more than {size_in_words(self.size)} bytes: {self.size_field} bounds it"

    @property
    def beyond_time(self) -> str:
        """That it takes too long."""
        words = f"not done within {self.time.total_seconds():g} s"
        return f"{words}: {self.time_field} bounds it" if self.time_field else words

    def at_most(self, size: int, field: str) -> "FileBounds":
        """The same, with another bound for the size, if that is less."""
        return self if size > self.size else replace(self, size=size, size_field=field)


class Limits(BaseModel):
    """What is None bounds nothing. Of what a job type leaves out, all but `file_size` and `output` have bounds.

    `memory`: of each process, the bytes that it may write to and shares with nobody. `file_size`: bytes of any one file
    it writes. `processes`: how many of a command's processes there may be at once. `output`: bytes of the kept folder.
    `files`, `total_size`: how many files and folders, of how many bytes together, are checked out, cached, kept or
    pushed in one go. `file_work`: how long that may take; None: as long as such work usually may.
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
        """For one piece of work on files, which may take *usual* unless the job type says otherwise."""
        return FileBounds(self.files, self.total_size, self.file_work or usual)


NO_LIMITS = Limits(memory=None, processes=None)
"""For programs of our own."""


def as_argument(limits: Limits) -> str:
    """The limits that hold for processes, such as "memory=1000000,processes=64"; empty without any."""
    held = {"memory": limits.memory, "file_size": limits.file_size, "processes": limits.processes}
    return ",".join(f"{name}={most}" for name, most in held.items() if most is not None)
