"""Ways in which a command can end."""

from enum import StrEnum


class EndedBy(StrEnum):
    """How a command ended."""

    EXITED = "exited"  # by itself, with an exit code
    SIGNAL = "signal"  # killed by a signal
    TIME_LIMIT = "time_limit"  # stopped by us at its time limit
    OUT_OF_MEMORY = "out_of_memory"  # the kernel killed it, or a process below it, as memory ran out
    PROCESS_LIMIT = "process_limit"  # stopped by us for too many processes
