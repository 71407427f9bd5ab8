"""Identity of a process across machines, safe against pid reuse."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Process:
    """The process of an execution: boot id of its machine, pid, and start time in clock ticks after boot."""

    host: str
    pid: int
    started: int
