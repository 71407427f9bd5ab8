"""What can end a command."""

from enum import StrEnum


class EndedBy(StrEnum):
    """What ended a command."""

    EXITED = "exited"  # it came to its own end, with an exit code
    SIGNAL = "signal"  # something killed it
    TIME_LIMIT = "time_limit"  # we did, because its time was over
    PROCESS_LIMIT = "process_limit"  # we did, because it had too many processes
