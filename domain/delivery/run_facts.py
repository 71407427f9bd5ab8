"""What answers, readings and verifications change of the facts of a check run. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.delivery.check_run import Request, Run, Saying, Step, marker
from domain.delivery.outcome import Delivered, Outcome, Reason, Rejected, ShownRun, Unknown
from domain.delivery.settlement import Settlement, Tries

GONE_AFTER = timedelta(minutes=1)
"""How long GitHub must answer 404 to requests for a run of ours until it counts as deleted: replicas lag by seconds."""

MOST_GENERATIONS = 6
"""Runs that are made for one execution, one after another, because GitHub deleted or covered those before."""

CONTENT_REFUSED = (
    Reason.BAD_REQUEST, Reason.BAD_URL, Reason.BAD_DESCRIPTION, Reason.BAD_CONTEXT, Reason.BAD_STATE, Reason.TOO_LARGE,
)  # fmt: skip
"""Refusals (400, 413, 422) that the annotations may be the reason for."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reading shows of a run: see `seen`."""

    github_id: int | None
    said: int = 0
    closed: bool = False
    annotated: bool = False


def is_ours(shown: ShownRun, mark: str, *, app: str | None) -> bool:
    """Whether *shown* carries the marker *mark* and, as far as GitHub says, was made by *app*."""
    return shown.external_id.partition("/")[0] == mark and app in (None, shown.app or app)


def saying_of(shown: ShownRun) -> Saying:
    """The number in its `external_id`."""
    number = shown.external_id.partition("/")[2]
    return Saying(int(number)) if number in {str(int(one)) for one in Saying} else Saying.UNDER_WAY


def seen(found: Sequence[ShownRun]) -> Seen:
    """What *found*, the runs with an execution's marker, show of it: of several the first made counts."""
    if not found:
        return Seen(None)
    first = min(found, key=lambda run: run.id)
    saying = saying_of(first)
    closed = saying == Saying.CLOSED
    return Seen(first.id, 0 if closed else saying, closed, first.annotations > 0)


def after_reading(step: Step, shows: Seen) -> Run | None:
    """The run's facts, if the reading shows more than was known. None: it does not.

    Annotations that are shown although GitHub does not show the end they came with are never sent again: some of its
    servers lag behind others.
    """
    run = step.run
    if step.request is Request.ECHO:
        return None
    known = replace(
        run, github_id=shows.github_id or run.github_id, said=max(run.said, shows.said),
        closed=run.closed or shows.closed, plain=run.plain or (shows.annotated and not shows.said),
    )  # fmt: skip
    return replace(known, read_back=False) if known != run else None


def after_answer(step: Step, outcome: Outcome, *, is_gone: bool, heals: bool) -> Run:
    """The run's facts after an attempt.

    *is_gone*: GitHub has said for long enough that there is no such run; *heals*: its refusal may pass.
    """
    run = step.run
    match outcome:
        case Delivered(github_id):
            return _said(step, replace(run, read_back=False), github_id)
        case Rejected(reason) if heals and not is_gone:
            return replace(run, read_back=run.read_back or (reason is Reason.NOT_FOUND and step.github_id is not None))
        case Rejected() if step.request is Request.CLOSE:  # its run is gone, or another App's
            return replace(run, read_back=False, closed=True)
        case Rejected() if step.request is Request.ECHO:
            return replace(run, read_back=False, second_said=step.saying)
        case Rejected() if is_gone and run.generation < MOST_GENERATIONS:
            return renewed(run, plain=False)
        case Rejected(reason) if step.request is Request.CONCLUDE and reason in CONTENT_REFUSED:
            return replace(run, read_back=False, plain=True)
        case Rejected():
            return replace(run, read_back=False)
        case Unknown():
            return replace(run, read_back=True)
        case _:
            return run


def _said(step: Step, run: Run, github_id: int) -> Run:
    match step.request:
        case Request.CREATE:
            return replace(run, github_id=github_id)
        case Request.CLOSE:
            return replace(run, closed=True)
        case Request.ECHO:
            return replace(run, second_said=step.saying)
        case _:
            return replace(run, said=step.saying)


def renewed(run: Run, *, plain: bool) -> Run:
    """*run* as one that is made anew; the one before becomes its second. *plain*: its annotations are shown there."""
    generation = run.generation + 1
    return replace(
        run, generation=generation, marker=marker(run.job_id, run.execution, generation), github_id=None, said=0,
        plain=plain, closed=False, read_back=False, second_id=run.github_id, second_said=run.final,
    )  # fmt: skip


def after_request(
    step: Step, outcome: Outcome, settlement: Settlement, tries: Tries, *, now: datetime
) -> tuple[Run, str | None]:
    """The run's facts after a request, and a note if that brought its target further; None: see *settlement*.

    Requests about older and second runs are given up with the time after which a report expires.
    """
    given_up = settlement.rejection is not None and step.request in (Request.CLOSE, Request.ECHO)
    if given_up and not isinstance(outcome, Rejected):
        outcome = Rejected(Reason.EXPIRED, settlement.note)
    heals = settlement.rejection is None and isinstance(outcome, Rejected) and outcome.may_heal
    run = after_answer(step, outcome, is_gone=_is_gone(step, outcome, tries, now), heals=heals)
    if isinstance(outcome, Delivered):
        return run, ""
    changed = run != replace(step.run, read_back=run.read_back)
    return run, settlement.note if changed else None


def _is_gone(step: Step, outcome: Outcome, tries: Tries, now: datetime) -> bool:
    """Whether GitHub has denied for long enough that there is such a run; of an older one, to end it is enough."""
    if step.github_id is None or not isinstance(outcome, Rejected):
        return False
    may_be_other = outcome.reason is Reason.NOT_FOUND and step.request in (Request.CLOSE, Request.ECHO)
    if outcome.reason is not Reason.NO_SUCH_RUN and not may_be_other:
        return False
    return tries.refused_since is not None and now - tries.refused_since >= GONE_AFTER


def closes_nothing(step: Step, shows: Seen) -> Run | None:
    """The facts of an older run that was never made, so that there is nothing to close. None: there is."""
    never_made = step.request is Request.CLOSE and step.run.github_id is None and shows.github_id is None
    return replace(step.run, closed=True, read_back=False) if never_made else None


@dataclass(frozen=True, slots=True)
class Compared:
    """What a reading of all check runs of a target shows.

    `changed`: runs with the facts that they now have, of which GitHub has to be told something. `doubled`: executions
    with a second run. `is_covered`: an older execution's run was made after the newest one's, which is made anew. Not
    `is_clear`: the newest one's run is not listed, or there are more second runs, which are dealt with one by one.
    """

    changed: tuple[Run, ...]
    doubled: tuple[Run, ...]
    is_covered: bool
    is_clear: bool


def compared(runs: Sequence[Run], mine: Run, shown: Sequence[ShownRun], *, app: str | None) -> Compared:
    """Compare *runs*, all of a target's, with all that GitHub shows; *mine* is the newest execution's.

    GitHub's ids grow: which of two runs was made later decides what a required check follows.
    """
    of = {run.id: [one for one in shown if any(is_ours(one, mark, app=app) for mark in _marks(run))] for run in runs}
    known = {run.id: _with_late_ones(run, of[run.id]) for run in runs}
    doubled = tuple(run for run in runs if known[run.id].second_id != run.second_id)
    last = max((one.id for run in runs if run.id != mine.id for one in of[run.id]), default=0)
    is_covered = mine.github_id is not None and mine.github_id < last and mine.generation < MOST_GENERATIONS
    if is_covered:
        known[mine.id] = renewed(known[mine.id], plain=True)
    changed = tuple(known[run.id] for run in runs if known[run.id] != run)
    is_listed = any(one.id == mine.github_id for one in of[mine.id])
    return Compared(changed, doubled, is_covered, is_listed and not any(_has_more(known[id_], of[id_]) for id_ in of))


def _late(run: Run, its: Sequence[ShownRun]) -> list[ShownRun]:
    """Those of *its* runs that have its present marker, in the order in which they were made.

    One of an earlier generation is known: it was the second of the next one.
    """
    return sorted((one for one in its if one.external_id.startswith(f"{run.marker}/")), key=lambda one: one.id)


def _has_more(run: Run, its: Sequence[ShownRun]) -> bool:
    """Whether yet another run of the execution lacks its end."""
    return any(one.id not in (run.github_id, run.second_id) and saying_of(one) < run.final for one in _late(run, its))


def _marks(run: Run) -> list[str]:
    """The markers of all runs made for the execution."""
    return [marker(run.job_id, run.execution, number) for number in range(1, run.generation + 1)]


def _with_late_ones(run: Run, its: Sequence[ShownRun]) -> Run:
    """The facts of *run* with those of its runs that were made by requests sent late."""
    for one in _late(run, its):
        is_next = run.second_id is None or run.second_said >= run.final > saying_of(one)
        if run.github_id is None:
            run = replace(run, github_id=one.id, closed=False)
        elif is_next and one.id not in (run.github_id, run.second_id):
            run = replace(run, second_id=one.id, second_said=saying_of(one))
    return run
