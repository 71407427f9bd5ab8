"""Check runs, the protocol: what is known of one, and which request is next. Pure; see also run_facts.py.

GitHub shows one check run per execution. Only `create` can make a second one, and only `conclude` can show annotations
twice, because GitHub appends them: each is repeated only once a reading shows that GitHub does not have it.
https://docs.github.com/rest/guides/using-the-rest-api-to-interact-with-checks
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID, uuid5


class Request(StrEnum):
    """What is asked of GitHub about a check run."""

    CREATE = "create"  # a run, in progress; sent twice, it makes two
    CONCLUDE = "conclude"  # its end, with all annotations; sent twice, it shows each line twice
    PLAIN = "plain"  # its end without annotations, which GitHub refused or shows already
    AMEND = "amend"  # another end: an execution thought lost came back
    CLOSE = "close"  # ends an older execution's open run as cancelled
    ECHO = "echo"  # gives a second run of an execution the end of the first, or ends an older one's as cancelled


class Saying(IntEnum):
    """What a run says, as the number after the marker in its `external_id`: 1 and 2 are the ranks of an end."""

    UNDER_WAY = 0
    THOUGHT_LOST = 1
    OWN_OUTCOME = 2
    CLOSED = 3


@dataclass(frozen=True, slots=True)
class Run:
    """The check run of an execution, as the ledger knows it. `id` is that of its row, `github_id` that of GitHub."""

    id: int
    job_id: UUID
    execution: int
    turn: int
    marker: str
    started_at: datetime
    generation: int = 1
    github_id: int | None = None  # None: not known to have been made
    said: int = 0  # the rank of the end that GitHub has; 0: none
    plain: bool = False  # its end is sent without annotations
    closed: bool = False
    read_back: bool = False  # a request about it may have been applied: it is read before the next one
    second_id: int | None = None  # GitHub's id of a second run of this execution
    second_said: int = 0  # what that one says, as `Saying`

    @property
    def is_open(self) -> bool:
        """Whether GitHub may show it in progress."""
        return (self.github_id is not None or self.read_back) and not self.said and not self.closed

    @property
    def final(self) -> int:
        """What it says last, as `Saying`."""
        return Saying.CLOSED if self.closed else self.said


@dataclass(frozen=True, slots=True)
class Step:
    """The next request of a target: about *run*, to say *saying*; an older run ends before *newer_at*."""

    request: Request
    run: Run
    saying: int
    newer_at: datetime

    @property
    def external_id(self) -> str:
        """The run's marker and what it says from now on: tells which request GitHub has applied."""
        return f"{self.run.marker}/{self.saying}"

    @property
    def github_id(self) -> int | None:
        """The run that it updates. None: it makes one, or its run has to be found first."""
        return self.run.second_id if self.request is Request.ECHO else self.run.github_id


def marker(job_id: UUID, execution: int, generation: int) -> str:
    """The marker that identifies an execution's check run: 24 hex digits."""
    return uuid5(job_id, f"{execution}/check_run/{generation}").hex[:24]


def next_step(runs: Iterable[Run], mine: Run | None, rank: int, *, now: datetime) -> Step | None:
    """The next request of a target. None: nothing is left to say, or only a commit status.

    *runs* are all of the target's, *mine* that of the newest execution, *rank* the rank of its newest report. Older
    runs are closed before a newer one is made, which then is the latest by creation and by its times.
    """
    newer_at = mine.started_at if mine else now
    older = sorted((run for run in runs if mine is None or run.id != mine.id), key=lambda run: run.turn)
    for run in older:
        if run.is_open:
            return Step(Request.CLOSE, run, Saying.CLOSED, newer_at)
    if mine is not None and (own := _own_step(mine, rank)) is not None:
        return own
    seconds = [(run, Saying.CLOSED) for run in older] + ([(mine, mine.said)] if mine else [])
    for run, saying in seconds:
        if run.second_id is not None and run.second_said < saying:
            return Step(Request.ECHO, run, saying, newer_at)
    return None


def _own_step(mine: Run, rank: int) -> Step | None:
    if mine.github_id is None:
        return Step(Request.CREATE, mine, Saying.UNDER_WAY, mine.started_at)
    if rank <= mine.said:
        return None
    request = Request.AMEND if mine.said else Request.PLAIN if mine.plain else Request.CONCLUDE
    return Step(request, mine, rank, mine.started_at)
