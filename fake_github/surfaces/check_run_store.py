"""Stores check runs and each change of them, so that a read may show them, or some of their fields, as they were."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from fake_github.store import Store, folded
from fake_github.surfaces.surface import AT_ONCE, Timing

STALE_AFTER = timedelta(days=14)
"""https://docs.github.com/rest/guides/using-the-rest-api-to-interact-with-checks"""
MAX_RUNS = 1000
"""Of one name in a suite; more, and the oldest go: https://docs.github.com/rest/checks/runs#create-a-check-run"""

_FIELDS = {"output": ("title", "summary", "text", "annotations")}


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a check run says of lines of a file. `level`: notice, warning or failure."""

    path: str
    start_line: int
    end_line: int
    level: str
    message: str
    title: str | None = None
    raw_details: str | None = None
    start_column: int | None = None
    end_column: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """A check run. `repository` is "owner/name"; its annotations are those of all requests so far, in order."""

    id: int
    repository: str
    sha: str
    name: str
    app_id: int
    status: str = "queued"
    conclusion: str | None = None
    external_id: str | None = None
    details_url: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    created_at: datetime
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: tuple[Annotation, ...] = ()

    @property
    def commit(self) -> tuple[str, str]:
        """The key of the commit."""
        return folded(self.repository, self.sha)

    @property
    def suite(self) -> tuple[str, str, int]:
        """The key of its suite: the runs of one App for one commit."""
        return (*self.commit, self.app_id)


@dataclass(frozen=True, slots=True)
class Change:
    """What one request changes of a run, from `at` on."""

    at: datetime
    fields: Mapping[str, object]
    annotations: tuple[Annotation, ...] = ()

    def of(self, run: CheckRun) -> CheckRun:
        """The run *run* with the change: annotations are appended, a conclusion completes it."""
        fields = dict(self.fields)
        if "conclusion" in fields:
            fields["status"] = "completed"
            fields.setdefault("completed_at", run.completed_at or self.at)
        # the fields are those of CheckRun, by what the requests' models allow
        return replace(run, annotations=run.annotations + self.annotations, **fields)  # type: ignore[arg-type]


@dataclass(slots=True)
class _Recorded:
    """A run as it was created, and its changes by their times."""

    created: CheckRun
    changes: list[Change] = field(default_factory=list)

    def at(self, until: datetime) -> CheckRun | None:
        """The run as it was at *until*. None: it was not there yet."""
        run = self.created
        if run.created_at > until:
            return None
        for change in self.changes:
            if change.at <= until:
                run = change.of(_stale(run, change.at))
        return _stale(run, until)

    def seen(self, now: datetime, timing: Timing) -> CheckRun | None:
        """The run as a read with *timing* shows it *now*."""
        earlier = self.at(now - timing.lag)
        current = self.at(now) if timing.lagging else earlier
        if current is None or not timing.lagging:
            return current
        names = [name for one in timing.lagging for name in _FIELDS.get(one, (one,))]
        return replace(current, **{name: getattr(earlier or self.created, name) for name in names})


class CheckRunStore:
    """All check runs, by their ids."""

    def __init__(self, store: Store) -> None:
        """*store* has the clock and the ids."""
        self._store = store
        self._runs: dict[int, _Recorded] = {}
        self._of_commit = defaultdict[tuple[str, str], list[int]](list)
        self._suites: dict[tuple[str, str, int], int] = {}

    def __repr__(self) -> str:
        return repr(self._runs)

    def add(self, run: CheckRun) -> None:
        """Hold *run* from its `created_at` on; removes the oldest of its name if there are too many."""
        self._runs[run.id] = _Recorded(run)
        self._of_commit[run.commit].append(run.id)
        there = self.of_commit(run.repository, run.sha)
        same = [one.id for one in there if (one.suite, one.name) == (run.suite, run.name)]
        for number in same[:-MAX_RUNS]:
            self.delete(number)

    def change(self, number: int, change: Change) -> None:
        """Apply *change* to a run from its time on, to what the run is by then."""
        insort(self._runs[number].changes, change, key=lambda one: one.at)  # after those of the same time

    def delete(self, number: int) -> None:
        """Delete a run, as GitHub deletes the oldest of too many."""
        self._of_commit[self._runs.pop(number).created.commit].remove(number)

    def of_id(self, number: int, timing: Timing | None = None) -> CheckRun | None:
        """The run with this *number*. None: there is none."""
        recorded = self._runs.get(number)
        return recorded.seen(self._store.clock(), timing or Timing()) if recorded else None

    def of_commit(self, repository: str, sha: str, timing: Timing | None = None) -> list[CheckRun]:
        """The runs of a commit, oldest first."""
        return self._seen(self._of_commit[folded(repository, sha)], timing)

    def held(self) -> list[CheckRun]:
        """All that is held by now, oldest first."""
        return self._seen(self._runs)

    def suite_id(self, run: CheckRun) -> int:
        """The id of the suite of *run*, the same every time."""
        if run.suite not in self._suites:
            self._suites[run.suite] = self._store.new_id()
        return self._suites[run.suite]

    def _seen(self, numbers: Iterable[int], timing: Timing | None = None) -> list[CheckRun]:
        seen = (self.of_id(number, timing) for number in numbers)
        return sorted((run for run in seen if run), key=lambda run: (run.created_at, run.id))


def appears_in(timing: Timing) -> timedelta:
    """When what a request writes is there, counted from its arrival."""
    return timing.store_in or AT_ONCE


def _stale(run: CheckRun, at: datetime) -> CheckRun:
    """The run *run*, which nobody changed until *at*: GitHub ends one that stays open for too long."""
    ends = run.created_at + STALE_AFTER
    if run.status == "completed" or at < ends:
        return run
    return replace(run, status="completed", conclusion="stale", completed_at=ends)
