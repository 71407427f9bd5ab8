"""Usage of each credential: its pause, GitHub's rate limit, requests sent, and undelivered reports."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import case, col, func, select

from domain.delivery.budget import HOUR, MINUTE
from domain.delivery.report import EventKind
from domain.operations.metrics import Pause
from storage.models import Credential, ReportEvent, StatusTarget
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class CredentialUsage:
    """Usage of a credential, by its name. The rate limit is from GitHub's last answer; None: it has not named it."""

    name: str
    paused_until: datetime | None = None
    pause_reason: str | None = None
    rate_limit: int | None = None
    rate_remaining: int | None = None
    rate_reset_at: datetime | None = None
    posts_last_minute: int = 0
    posts_last_hour: int = 0
    undelivered: int = 0


def usages(tx: Transaction) -> list[CredentialUsage]:
    """The usage of every credential that this ledger has ever used, by name."""
    posts = _posts(tx)
    waiting = _undelivered(tx)
    found = tx.session.exec(select(Credential).order_by(col(Credential.name)))
    return [
        CredentialUsage(
            one.name, one.paused_until, one.pause_reason, one.rate_limit, one.rate_remaining, one.rate_reset_at,
            *posts.get(one.name, (0, 0)), waiting.get(one.name, 0),
        )
        for one in found
    ]  # fmt: skip


def current_pauses(tx: Transaction) -> tuple[Pause, ...]:
    """The pauses that no answer of GitHub has ended, by credential."""
    found = select(Credential.name, Credential.paused_until, Credential.pause_reason).order_by(col(Credential.name))
    rows = tx.session.exec(found.where(col(Credential.paused_until).is_not(None)))
    return tuple(Pause(name, until, reason or "") for name, until, reason in rows if until is not None)


def _posts(tx: Transaction) -> dict[str, tuple[int, int]]:
    """Requests of each credential in the last minute and in the last hour, as the write budget counts them."""
    in_minute = func.sum(case((col(ReportEvent.at) > tx.now - MINUTE, 1), else_=0))
    sent = (col(ReportEvent.kind) == EventKind.POSTED, col(ReportEvent.at) > tx.now - HOUR)
    found = select(ReportEvent.credential, in_minute, func.count()).where(
        *sent,
        col(ReportEvent.credential).in_(select(Credential.name)),  # uses the index, which begins with the name
    )
    rows = tx.session.exec(found.group_by(col(ReportEvent.credential)))
    return {name: (int(minute), hour) for name, minute, hour in rows if name is not None}


def _undelivered(tx: Transaction) -> dict[str, int]:
    found = select(StatusTarget.credential, func.count()).where(col(StatusTarget.due_at).is_not(None))
    rows = tx.session.exec(found.group_by(col(StatusTarget.credential)))
    return {name: count for name, count in rows if name is not None}
