"""Causes the faults, and counts what a stand-in GitHub holds in the end of the check runs of jobs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fake_github.exchange import Json

FAULTS: Mapping[int, tuple[str, Mapping[str, object]]] = {
    3: ("close", {"where": "after"}),
    9: ("server_error", {"where": "after"}),
    15: ("server_error", {"status": 503}),
}
"""What happens to the first request of one kind for the jobs of these numbers, modulo 20: 5 % each."""


def faults(jobs: int) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The faults of so many jobs: of each one's first request to create its run, and of its first to conclude it.

    Which of the jobs fail at their end moves by one with each twenty, so that some fail at both, in every way.
    """
    for number in range(jobs):
        for method, place in (("POST", number), ("PATCH", number + number // 20)):
            if place % 20 in FAULTS:
                kind, fields = FAULTS[place % 20]
                yield kind, {"method": method, "context": context(number), **fields}


def context(number: int) -> str:
    """The context of a job, which is the name of its check run."""
    return f"docs/{number}"


@dataclass(frozen=True, slots=True)
class Held:
    """The counts over all jobs. `doubled` runs: a job's second and further ones; `conclusions_missing`: jobs."""

    runs_doubled: int
    runs_open: int
    annotations: int
    annotations_doubled: int
    annotations_missing: int
    conclusions_missing: int


def count(runs: Iterable[Json], *, jobs: int, warnings: int) -> Held:
    """What *runs*, all that the stand-in holds, show of so many jobs with so many warnings each."""
    of_job: defaultdict[str, list[Json]] = defaultdict(list)
    for run in runs:
        of_job[str(run["name"])].append(run)
    of_jobs = [of_job[context(number)] for number in range(jobs)]
    shown = [[place for run in its for place in _places(run)] for its in of_jobs]
    return Held(
        runs_doubled=sum(max(0, len(its) - 1) for its in of_jobs),
        runs_open=sum(run["conclusion"] is None for its in of_jobs for run in its),
        annotations=sum(map(len, shown)),
        annotations_doubled=sum(len(places) - len(set(places)) for places in shown),
        annotations_missing=sum(warnings - len(set(places)) for places in shown),
        conclusions_missing=sum(all(run["conclusion"] is None for run in its) for its in of_jobs),
    )


def _places(run: Json) -> list[tuple[object, object]]:
    annotations = run["annotations"]
    assert isinstance(annotations, list)
    return [(one["path"], one["start_line"]) for one in annotations]
