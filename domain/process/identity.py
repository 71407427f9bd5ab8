"""Which process of which machine: told from any other, also once its number is used again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Process:
    """Who runs an execution: the boot of its machine, its process, and when that started, in ticks after boot."""

    host: str
    pid: int
    started: int
