"""Check runs of a target: recorded with the first report of an execution, changed by settlements."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam
from sqlmodel import and_, col, delete, select, update

from domain.annotation import Annotation
from domain.delivery.check_output import CheckRequest, Conclusion, End, Output, request_of
from domain.delivery.check_run import Run, Step, marker, next_step
from domain.delivery.report import NewReport
from domain.delivery.target import Target
from storage.delivery.check_runs.tables import CheckOutput, CheckRun
from storage.dialect import insert
from storage.models import StatusReport, StatusTarget
from storage.transaction import Transaction, table_of

RUNS, OUTPUTS = table_of(CheckRun), table_of(CheckOutput)

RECORD = insert(
    CheckRun, "job_id", "execution", "target_id", "turn", "marker", "started_at", "generation", "said", "plain",
    "closed", "read_back", "second_said", on_conflict="(job_id, execution) DO NOTHING",
)  # fmt: skip
MARK = update(table_of(StatusTarget)).where(col(StatusTarget.id) == bindparam("target_id")).values(has_check_runs=True)
OF_TARGET = RUNS.select().where(RUNS.c.target_id == bindparam("its_target")).order_by(RUNS.c.turn, RUNS.c.id)
OUTPUT = OUTPUTS.select().where(OUTPUTS.c.report_id == bindparam("its_report"))
CHANGE = update(RUNS).where(RUNS.c.id == bindparam("its_id"))
READS_BACK = update(table_of(StatusReport)).where(col(StatusReport.id) == bindparam("its_report"))
REPORT = table_of(StatusReport).select().where(col(StatusReport.id) == bindparam("report_id"))
FACTS = [field.name for field in fields(Run)]


def record(tx: Transaction, new: NewReport, report_id: int, end: End | None) -> None:
    """Record that the execution of *new* reports as a check run, and what an outcome shows. The target is locked."""
    facts = Run(0, new.job_id, new.execution, new.turn, marker(new.job_id, new.execution, 1), tx.now)
    tx.execute(RECORD, **{**asdict(facts), "target_id": new.target_id})
    tx.execute(MARK, target_id=new.target_id)
    if end is not None:
        _record_end(tx, report_id, end)


def is_recorded(tx: Transaction, job_id: UUID, execution: int) -> bool:
    """Whether the execution reports as a check run."""
    found = select(CheckRun.id).where(CheckRun.job_id == job_id, CheckRun.execution == execution)
    return tx.session.exec(found).one_or_none() is not None


def _record_end(tx: Transaction, report_id: int, end: End) -> None:
    output = end.output
    tx.session.add(
        CheckOutput(
            report_id=report_id, conclusion=end.conclusion, completed_at=end.completed_at, summary=output.summary,
            plain_summary=output.plain_summary, annotations=[asdict(one) for one in output.annotations],
        )
    )  # fmt: skip
    tx.session.flush()


def of_target(tx: Transaction, target_id: int) -> list[Run]:
    """The check runs of a target's executions, in the order of their turns."""
    found = tx.execute(OF_TARGET, its_target=target_id).mappings()
    return [Run(**{name: row[name] for name in FACTS}) for row in found]


def planned(tx: Transaction, target: StatusTarget, newest: StatusReport) -> CheckRequest | None:
    """The next request about a check run of *target*, which is due. None: that is a commit status.

    The newest report is read back first exactly if the run of this request is, which is stored for the claim.
    """
    mine, step = _next(tx, newest)
    if step is None:
        assert mine is None, "what was said last settled the target"
        return None
    if step.run.read_back != newest.read_back:
        tx.execute(READS_BACK, its_report=newest.id, read_back=step.run.read_back)
    to = Target(target.repository, target.sha, target.context)
    return request_of(step, to, newest.description, newest.target_url, _end_of(tx, newest))


def has_more(tx: Transaction, report_id: int) -> bool:
    """Whether a request about a check run is left for the target of *report_id*, its newest report."""
    return _next(tx, tx.one(StatusReport, REPORT, report_id=report_id))[1] is not None


def outlook(tx: Transaction, report_id: int, run: Run) -> tuple[int | None, bool]:
    """Once GitHub has *run*: its id of the run that shows the report from now on, and whether a request is left."""
    report = tx.one(StatusReport, REPORT, report_id=report_id)
    mine, step = _next(tx, report, changed=run)
    shows = mine is not None and report.delivered_at is None and report.rank <= mine.said
    return (mine.github_id if shows and mine else None), mine is None or step is not None


def _next(tx: Transaction, newest: StatusReport, *, changed: Run | None = None) -> tuple[Run | None, Step | None]:
    """The run that shows *newest*, if one does, and the next request of its target."""
    runs = [changed if changed and run.id == changed.id else run for run in of_target(tx, newest.target_id)]
    mine = next((run for run in runs if (run.job_id, run.execution) == (newest.job_id, newest.execution)), None)
    return mine, next_step(runs, mine, newest.rank, now=tx.now)


def _end_of(tx: Transaction, newest: StatusReport) -> End | None:
    row = tx.one_or_none(CheckOutput, OUTPUT, its_report=newest.id)
    if row is None:
        return None
    shown = tuple(Annotation(**one) for one in row.annotations)
    return End(Conclusion(row.conclusion), row.completed_at, Output(row.summary, row.plain_summary, shown))


def change(tx: Transaction, run: Run) -> None:
    """Store the facts of *run*."""
    facts = asdict(run)
    tx.execute(CHANGE, its_id=facts.pop("id"), **facts)


def doubt(tx: Transaction, targets: ColumnElement[bool]) -> None:
    """Have every run without an end, of *targets*, read before it is spoken of again."""
    open_ones = and_(~RUNS.c.closed, RUNS.c.target_id.in_(select(StatusTarget.id).where(targets)))
    tx.session.exec(update(CheckRun).where(open_ones).values(read_back=True))


def forget(tx: Transaction, job_ids: Sequence[UUID]) -> None:
    """Delete the check runs of jobs, and what their reports show there."""
    reports = select(StatusReport.id).where(col(StatusReport.job_id).in_(job_ids))
    for statement in (
        delete(CheckOutput).where(col(CheckOutput.report_id).in_(reports)),
        delete(CheckRun).where(col(CheckRun.job_id).in_(job_ids)),
    ):
        tx.session.exec(statement.execution_options(synchronize_session=False))
