"""Checks the ledger: that it opens, is the right one, has disk space, and that the reconciliation runs."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.engine import make_url

from console.checks.finding import Finding, bad, good
from console.ledger import opened
from domain.units import span
from settings import Settings
from storage.delivery import reconciliation_runs
from storage.encryption import is_readable_on_its_way
from storage.identity import WrongLedger, ledger_id
from storage.ledger import LedgerUnavailable, NotUpgraded
from tasks.process.disk_space import LEAST

PASSES = 3
"""Intervals of the reconciliation within which a run must succeed."""


async def check(settings: Settings) -> list[Finding]:
    """Findings about the ledger, its disk and the reconciliation."""
    try:
        async with opened(settings) as ledger:
            found, ended_at, is_readable, now = await ledger.read(
                lambda tx: (ledger_id(tx), reconciliation_runs.last_success(tx), is_readable_on_its_way(tx), tx.now)
            )
    except (LedgerUnavailable, NotUpgraded, ValueError) as error:
        return [bad("ledger", str(error))]
    return [
        identity(found, settings.ledger_id, ledger.place),
        *_encryption(ledger.place, is_readable=is_readable),
        *_room(settings.database_url),
        reconciliation(ended_at, now, settings.interval),
    ]


def identity(found: UUID, named: UUID | None, place: str) -> Finding:
    """Whether it is the ledger that the settings name, if they name one."""
    if named not in (None, found):
        return bad("ledger", str(WrongLedger(found, named, place)))
    return good("ledger", f"{found}, {place}")


def _encryption(place: str, *, is_readable: bool) -> Iterator[Finding]:
    if is_readable:
        words = f"what is sent to {place} can be read on its way: add ?sslmode=verify-full to REPORTBACK_DATABASE_URL"
        yield good("ledger", f"warning: {words}")


def _room(url: str) -> Iterator[Finding]:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        folder = Path(parsed.database or "").parent
        yield room(folder, shutil.disk_usage(folder).free)


def room(folder: Path, free: int) -> Finding:
    """Whether *free* bytes are enough."""
    words = f"{free / LEAST:.1f} GiB free in {folder}"
    if free >= LEAST:
        return good("disk", words)
    return bad("disk", f"{words}: a full disk stops every job; make room for at least 1 GiB")


def reconciliation(ended_at: datetime | None, now: datetime, interval: timedelta) -> Finding:
    """Whether a reconciliation run has succeeded lately."""
    remedy = "see that reconcile-reports is scheduled and its pool has a worker; `reportback reconcile` does a run now"
    if ended_at is None:
        return bad("reconciliation", f"no run has ever succeeded: {remedy}")
    words = f"the last run ended {span(now - ended_at)} ago"
    if now - ended_at <= PASSES * interval:
        return good("reconciliation", words)
    return bad("reconciliation", f"{words}, though one is due every {span(interval)}: {remedy}")
