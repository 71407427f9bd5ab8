"""Checks the promise for check runs: lists what a world at rest breaks of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from check_worlds import runs
from sqlmodel import col, select
from world import World

from domain.delivery.check_output import SUPERSEDED
from domain.delivery.check_run import marker
from domain.delivery.report import Rank
from fake_github.surfaces.check_run_store import CheckRun
from storage.delivery.check_runs.tables import CheckOutput
from storage.delivery.check_runs.tables import CheckRun as Row
from storage.models import StatusReport, StatusTarget


@dataclass(frozen=True, slots=True)
class Told:
    """All that the ledger holds of one target's check runs, oldest first, and what GitHub does."""

    target: StatusTarget
    rows: Sequence[Row]
    newest: StatusReport
    end: CheckOutput | None
    came_back: bool  # its newest execution was thought lost: its end is amended, without annotations
    held: Sequence[CheckRun]

    @property
    def mine(self) -> Row:
        named = self.newest.job_id, self.newest.execution
        return next(row for row in self.rows if (row.job_id, row.execution) == named)

    def of(self, row: Row) -> list[CheckRun]:
        """The runs of an execution."""
        return [run for run in self.held if (run.external_id or "").partition("/")[0] in marks(row)]


async def assert_shown_once(world: World, context: str = "docs/sphinx") -> None:
    """Check that GitHub shows the newest end of a context, each line once, and no older run open.

    Raises:
        AssertionError: it does not.
    """
    wrong = list(violations(told(world, context)))
    assert not wrong, wrong


def told(world: World, context: str) -> Told:
    with world.ledger.transaction() as tx:
        target = tx.session.exec(select(StatusTarget).where(StatusTarget.context == context)).one()
        newest = tx.session.get_one(StatusReport, target.newest_id)
        same = (StatusReport.job_id == newest.job_id, StatusReport.execution == newest.execution)
        lost = tx.session.exec(select(StatusReport.id).where(*same, StatusReport.rank == Rank.THOUGHT_LOST)).first()
        rows = list(tx.session.exec(select(Row).where(Row.target_id == target.id).order_by(col(Row.turn))))
        came_back = newest.rank == Rank.OWN_OUTCOME and lost is not None
        return Told(target, rows, newest, tx.session.get(CheckOutput, newest.id), came_back, runs(world, context))


def violations(told: Told) -> Iterator[str]:
    if told.target.due_at is not None or told.target.lease is not None:
        yield "it is not settled"
    for row in told.rows:
        if len(told.of(row)) > 1:
            yield f"{len(told.of(row))} runs of the execution of turn {row.turn}"
        yield from (words for run in told.of(row) for words in _of_run(told, row, run))
    if told.end is not None:
        yield from _of_end(told, told.end)


def _of_run(told: Told, row: Row, run: CheckRun) -> Iterator[str]:
    places = [(one.path, one.start_line) for one in run.annotations]
    if len(places) != len(set(places)):
        yield f"lines shown twice by the run of turn {row.turn}"
    if row is told.mine:
        return
    if run.status != "completed":
        yield f"the older run of turn {row.turn} is open"
    if run.title == SUPERSEDED and not (run.completed_at and run.completed_at < told.mine.started_at):
        yield f"the older run of turn {row.turn} ends after the newest began"


def _of_end(told: Told, end: CheckOutput) -> Iterator[str]:
    its = told.of(told.mine)
    said = [(run.conclusion, len(run.annotations)) for run in its]
    lines = (0, len(end.annotations)) if told.came_back else (len(end.annotations),)
    if said not in [[(end.conclusion, count)] for count in lines]:
        yield f"the newest run says {said}, not {end.conclusion} with {len(end.annotations)} annotations"
    if its and its[-1] is not told.held[-1]:
        yield "the newest run is not the last that was made"


def marks(row: Row) -> set[str]:
    """The markers of all generations of a run."""
    return {marker(row.job_id, row.execution, number) for number in range(1, row.generation + 1)}
