"""Many senders for one target: one of them sends. Real stand-in, real connections, real processes."""

from ledger_jobs import order, run_job
from racing import MANY, RACES, Race
from sqlmodel import select

from fake_github.process import running
from storage.ledger import open_ledger
from storage.models import StatusTarget


@RACES
async def test_twenty_senders_for_one_target_make_one_status(ledger_url: str, race: Race) -> None:
    async with open_ledger(ledger_url) as ledger:
        await run_job(ledger, order())
        with ledger.transaction() as tx:
            target_id = tx.session.exec(select(StatusTarget.id)).one()
    async with running() as stand_in:
        results = await race("sends", ledger_url, str(target_id), stand_in.url)
        statuses = await stand_in.statuses()
    assert len(results) == MANY
    assert "Settled" in results
    assert [status["state"] for status in statuses] == ["success"]
