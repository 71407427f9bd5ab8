"""The history of a report, found by its number or by its job."""

from uuid import uuid4

from ledger_jobs import CREDENTIAL, accept, begin, end, order, run_job
from world import World

from domain.delivery.report import EventKind, Phase
from domain.jobs.job_states import JobState
from storage.delivery import events
from storage.operations.job_history import MOST_EVENTS, ReportDetail, of_report, reports_of


async def history_of(world: World, report_id: int) -> ReportDetail | None:
    return await world.ledger.write(of_report, report_id)


async def numbers(world: World, asked: object) -> list[int] | None:
    return await world.ledger.write(reports_of, asked)  # type: ignore[arg-type]  # an id of a job


async def test_a_report_is_shown_with_its_text_and_credential(world: World) -> None:
    asked = order()
    await run_job(world.ledger, asked)
    await world.deliver()
    pending, success = await numbers(world, asked.flow_run_id) or []
    whole = await history_of(world, success)
    assert whole is not None
    assert (whole.report.phase, whole.job_id, whole.credential) == (Phase.DELIVERED, asked.flow_run_id, CREDENTIAL)
    held = world.github.store.held()[-1]
    assert (whole.description, whole.target_url) == (held.description, held.target_url)
    assert [event.kind.value for event in whole.report.events] == ["recorded", "claimed", "posted", "delivered"]
    other = await history_of(world, pending)
    assert other is not None
    assert other.report.phase is Phase.SUPERSEDED


async def test_a_report_of_an_earlier_execution_is_shown_whole(world: World) -> None:
    asked = order()
    await run_job(world.ledger, asked, JobState.FAILED)
    await world.deliver()
    again = await accept(world.ledger, asked)
    await begin(world.ledger, again)
    await end(world.ledger, again)
    first = (await numbers(world, asked.flow_run_id) or [])[1]
    whole = await history_of(world, first)
    assert whole is not None
    assert (whole.report.execution, whole.job.execution) == (1, 2)
    assert whole.report.events[-1].kind is EventKind.DELIVERED


async def test_no_event_is_left_out_of_a_long_history(world: World) -> None:
    asked = order()
    await run_job(world.ledger, asked)
    number = (await numbers(world, asked.flow_run_id) or [])[-1]
    with world.ledger.transaction() as tx:
        for _ in range(MOST_EVENTS + 1):
            events.append(tx, number, EventKind.UNKNOWN)
    whole = await history_of(world, number)
    assert whole is not None
    assert (len(whole.report.events), whole.report.left_out) == (MOST_EVENTS + 2, 0)


async def test_an_unknown_report_is_none(world: World) -> None:
    assert await history_of(world, 4711) is None
    assert await numbers(world, uuid4()) is None
