"""Records flow runs that died before their job was accepted, and up to when Prefect has been asked for them.

Such a job is an execution that was lost. No process has owned it, so that its row has no `host`; its `beat_at` is when
its flow run was asked for, by the ledger's clock: when it was created or, if later, was to start first.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import and_, col, exists, or_, select, update

from domain.delivery.notifications import NeverStarted
from domain.delivery.target import StatusState, Target
from domain.jobs.execution import Order
from domain.jobs.job_states import JobState
from domain.text import clean
from storage import after_commit, counters
from storage.counters import Key
from storage.delivery import credentials
from storage.delivery.turns import give_back, take_turn
from storage.dialect import insert
from storage.jobs import jobs
from storage.models import Job, StatusReport
from storage.transaction import Transaction

EXAMINED: Key = ("examined", "ended_at", "")
"""Up to when, by Prefect's clock, flow runs that ended have been examined; in microseconds since 1970."""

RESTORED: Key = ("restored", "at", "")
"""When the ledger was last restored from a backup, by its clock; in microseconds since 1970."""

COUNTER: Key = ("never_started", "", "")

IS_NEVER_STARTED = and_(col(Job.host).is_(None), col(Job.started_at).is_(None))
"""Condition: no process has had the job. An imported one had started elsewhere."""

RECORD = insert(
    Job, "id", "type", "options", "url", "execution", "state", "beat_at", "ended_at", "summary",
    on_conflict="(id) DO NOTHING RETURNING number",
)  # fmt: skip
"""Returns nothing if the flow run is a job already."""

BEFORE_ALL = 0
"""The turn of an execution that is superseded when it is recorded: turns that are taken begin at 1."""


def record(tx: Transaction, order: Order, *, asked_at: datetime, words: str) -> bool:
    """Record the job of a dead flow run as lost, with *words* on its commit; False: the ledger has the job already.

    *asked_at*: when it was asked for, by the ledger's clock. If anything was accepted for its target since, it is
    superseded at once. Accepted later after all, the job is executed as its next execution.
    """
    row = {
        "id": order.flow_run_id, "type": order.type, "options": dict(order.options), "url": order.url,
        "execution": order.start, "state": JobState.LOST, "beat_at": asked_at, "ended_at": tx.now,
        "summary": clean(words)[:500],
    }  # fmt: skip
    if tx.execute(RECORD, **row).one_or_none() is None:  # accepted, or recorded by another pass
        return False
    if order.target is not None:
        credentials.ensure(tx, order.credential)  # before the target's row is locked
        placed = _place(tx, order.target, asked_at)
        tx.session.exec(update(Job).where(col(Job.id) == order.flow_run_id).values(**placed))
    job = tx.session.exec(select(Job).where(Job.id == order.flow_run_id)).one()
    jobs.report(tx, job, words, credential=order.credential, surface=order.surface)
    _announce(tx, order.flow_run_id, words)
    return True


def _place(tx: Transaction, target: Target, asked_at: datetime) -> dict[str, int]:
    """The target's row and the turn there: the next one, or before all if anything newer was asked of the target."""
    target_id, turn, _ = take_turn(tx, target)  # locks the target: what is accepted from now on has a later turn
    accepted = and_(
        col(StatusReport.target_id) == target_id,
        col(StatusReport.state) == StatusState.PENDING,  # recorded in the transaction that accepts an execution
        col(StatusReport.created_at) >= asked_at,
    )
    never_started = and_(col(Job.target_id) == target_id, IS_NEVER_STARTED, col(Job.beat_at) > asked_at)
    is_newer = select(or_(exists().where(accepted), exists().where(never_started)))
    if tx.session.exec(is_newer).one():
        give_back(tx, target_id)  # the latest turn stays that of the latest execution
        turn = BEFORE_ALL
    return {"target_id": target_id, "turn": turn}


def examined_until(tx: Transaction) -> datetime | None:
    """Up to when ended flow runs have been examined. None: none ever were."""
    return counters.moment_of(counters.read(tx)[EXAMINED])


def restored_at(tx: Transaction) -> datetime | None:
    """When a backup was put back: what was accepted before may be forgotten. None: never."""
    return counters.moment_of(counters.read(tx)[RESTORED])


def examined(tx: Transaction, since: datetime | None, until: datetime, left: Sequence[tuple[UUID, str]]) -> bool:
    """Store that ended flow runs have been examined *until* then, and announce those *left* without a report, with why.

    False: another pass has done it meanwhile, and nothing changed.
    """
    if counters.locked(tx, EXAMINED) != counters.mark_of(since):
        return False
    for run_id, words in left:
        _announce(tx, run_id, words)
    counters.put(tx, {EXAMINED: counters.mark_of(until)})
    return True


def _announce(tx: Transaction, run_id: UUID, words: str) -> None:
    counters.add(tx, {COUNTER: 1})
    after_commit.add(tx, NeverStarted(run_id, words))
