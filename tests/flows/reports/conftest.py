"""A docs-job deployment that names the ledger, as the reconciliation does."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flow_rig import Rig
from flow_runs import deployed
from sqlmodel import update

from flows.docs_job import docs_job
from storage.models import LedgerIdentity


@pytest.fixture
async def deployment(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A deployment of docs-job that names the rig's ledger, as the reconciliation does."""
    mine = uuid4()  # of this test: all share a Prefect server, and the ledger's template
    async with rig.ledger() as ledger:
        await ledger.write(lambda tx: tx.session.exec(update(LedgerIdentity).values(id=mine)))
    monkeypatch.setenv("REPORTBACK_LEDGER_ID", str(mine))
    return await deployed(docs_job, tags=[f"ledger:{mine}"])


@pytest.fixture
def is_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every flow run has been in its state for longer than any span after which it counts as dead."""
    for name in ("NO_HEARTBEAT", "LONGEST_START"):
        monkeypatch.setattr(f"domain.operations.job_runs.{name}", timedelta(seconds=-60))
