"""Lists reports for operators: which are not on GitHub, and why."""

from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import ColumnElement, union_all
from sqlmodel import col, func, select

from domain.delivery.report import Phase
from domain.delivery.target import Target
from domain.operations.job_history import Blockers
from domain.operations.overview import Listed
from storage.delivery.reports import DUE, REJECTED, Selection, chosen_by, phase
from storage.models import Credential, StatusReport, StatusTarget
from storage.operations.job_history import blockers_of
from storage.transaction import Transaction

OPEN = (Phase.DUE, Phase.SENDING)


class Wanted(StrEnum):
    """Filters current reports that are not on GitHub."""

    UNDELIVERED = "undelivered"  # due, or being sent
    REJECTED = "rejected"


def listing(
    tx: Transaction, selection: Selection, wanted: Collection[Wanted] = (), *, limit: int
) -> tuple[list[Listed], bool]:
    """The selected reports, at most *limit*, and whether there are more.

    With *wanted*, only reports that match one of it, oldest first; without, all, newest first.
    """
    found = (
        select(StatusReport, StatusTarget, Credential)
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .outerjoin(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(*chosen_by(selection))
        .limit(limit + 1)
    )
    number = col(StatusReport.id)
    found = found.where(_is_one_of(wanted)).order_by(number) if wanted else found.order_by(number.desc())
    rows = tx.session.exec(found).all()
    return [_listed(*row) for row in rows[:limit]], len(rows) > limit


def count_rejected(tx: Transaction, selection: Selection) -> int:
    """How many of the selected reports are current and rejected."""
    found = (
        select(func.count(col(StatusReport.id)))
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .where(*chosen_by(selection), _is_one_of((Wanted.REJECTED,)))
    )
    return tx.session.exec(found).one()


def _is_one_of(wanted: Collection[Wanted]) -> ColumnElement[bool]:
    """Condition: the report is wanted."""
    ways = {Wanted.UNDELIVERED: DUE, Wanted.REJECTED: REJECTED}
    return col(StatusReport.id).in_(union_all(*(ways[one] for one in sorted(set(wanted)))))


def _listed(report: StatusReport, target: StatusTarget, credential: Credential | None) -> Listed:
    assert report.id is not None
    is_now = phase(report, target)
    is_open = is_now in OPEN
    return Listed(
        id=report.id, job_id=report.job_id, execution=report.execution, state=report.state, phase=is_now,
        target=Target(target.repository, target.sha, target.context),
        recorded_at=report.created_at, delivered_at=report.delivered_at, status_id=report.github_status_id,
        credential=target.credential, rejection=report.rejection,
        last_error=target.last_error if is_open or is_now is Phase.REJECTED else None,
        blockers=blockers_of(target, credential) if is_open else Blockers(),
    )  # fmt: skip
