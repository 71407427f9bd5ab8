"""Checks the ledger: that it opens, is the right one, and that the reconciliation runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from console.checks.finding import Finding, bad, good
from console.ledger import opened
from domain.units import span
from settings import Settings
from storage.delivery import reconciliation_runs
from storage.identity import WrongLedger, ledger_id
from storage.ledger import LedgerUnavailable, NotUpgraded
from storage.maintenance.encryption import is_readable_on_its_way
from storage.operations.worker_tokens import Noted, noted

PASSES = 3
"""Intervals of the reconciliation within which a run must succeed."""


MOST_SKEW = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Facts:
    """What other checks need of the ledger: its id, its time, and what workers have noted in it."""

    ledger: UUID
    now: datetime
    notes: Sequence[Noted]


async def check(settings: Settings) -> tuple[list[Finding], Facts | None]:
    """Findings about the ledger and the reconciliation, and the ledger's facts. None: it cannot be opened."""
    try:
        async with opened(settings) as ledger:
            facts, ended_at, is_readable = await ledger.read(
                lambda tx: (
                    Facts(ledger_id(tx), tx.now, noted(tx)),
                    reconciliation_runs.last_success(tx),
                    is_readable_on_its_way(tx),
                )
            )
    except (LedgerUnavailable, NotUpgraded, ValueError) as error:
        return [bad("ledger", str(error))], None
    return [
        identity(facts.ledger, settings.ledger_id, ledger.place),
        *_encryption(ledger.place, is_readable=is_readable),
        *clock(facts.now - datetime.now(UTC)),
        reconciliation(ended_at, facts.now, settings.interval),
    ], facts


def identity(found: UUID, named: UUID | None, place: str) -> Finding:
    """Whether it is the ledger that the settings name, if they name one."""
    if named not in (None, found):
        return bad("ledger", str(WrongLedger(found, named, place)))
    return good("ledger", f"{found}, {place}")


def _encryption(place: str, *, is_readable: bool) -> Iterator[Finding]:
    if is_readable:
        words = f"what is sent to {place} can be read on its way: add ?sslmode=verify-full to REPORTBACK_DATABASE_URL"
        yield good("ledger", f"warning: {words}")


def clock(skew: timedelta) -> Iterator[Finding]:
    """A problem if the ledger's clock and this machine's differ; *skew* is how far the ledger's is ahead."""
    if abs(skew) > MOST_SKEW:
        words = f"the ledger's is {span(abs(skew))} {'ahead of' if skew > timedelta(0) else 'behind'} this machine's"
        yield bad("clock", f"{words}: set the clocks of both machines (NTP); a SQLite ledger follows when it is idle")


def reconciliation(ended_at: datetime | None, now: datetime, interval: timedelta) -> Finding:
    """Whether a reconciliation run has succeeded lately."""
    remedy = "see that reconcile-reports is scheduled and its pool has a worker; `reportback reconcile` does a run now"
    if ended_at is None:
        return bad("reconciliation", f"no run has ever succeeded: {remedy}")
    words = f"the last run ended {span(now - ended_at)} ago"
    if now - ended_at <= PASSES * interval:
        return good("reconciliation", words)
    return bad("reconciliation", f"{words}, though one is due every {span(interval)}: {remedy}")
