"""Jobs: one execution at a time, owned by one process; every end has its report."""

from dataclasses import replace
from uuid import uuid4

import pytest
from ledger_jobs import ME, SHA, accept, begin, end, order, run_job
from racing import MANY, RACES, Race, from_connections
from sqlmodel import col, func, select
from world import Clock, World

from domain.delivery.report import Phase
from domain.delivery.target import Target
from domain.jobs.execution import CarriedOutElsewhere, ConflictingJob, Done, Execution, Order
from domain.jobs.job_states import JobState
from storage.jobs import jobs
from storage.ledger import Ledger, open_ledger
from storage.models import Job, ReportEvent, StatusReport


async def ask(ledger: Ledger, asked: Order) -> Execution | Done | CarriedOutElsewhere:
    return await ledger.write(jobs.accept, asked, by=ME)


async def beat(ledger: Ledger, execution: Execution) -> bool:
    return await ledger.write(jobs.heartbeat, execution.job_id, execution.number)


async def job_of(ledger: Ledger, execution: Execution) -> Job:
    with ledger.transaction() as tx:
        return tx.session.exec(select(Job).where(Job.id == execution.job_id)).one()


async def reports_of(ledger: Ledger) -> list[tuple[int, str, int]]:
    """Execution, state and turn of every report, in order of recording."""
    with ledger.transaction() as tx:
        reports = tx.session.exec(select(StatusReport).order_by(col(StatusReport.id)))
        return [(report.execution, report.state.value, report.turn) for report in reports]


async def test_an_accepted_job_waits_and_has_its_pending(ledger: Ledger) -> None:
    execution = await accept(ledger, order())
    assert (execution.number, (await job_of(ledger, execution)).state) == (1, JobState.WAITING)
    assert await reports_of(ledger) == [(1, "pending", 1)]


@pytest.mark.parametrize(("silent", "is_alive"), [(29, True), (31, False)])
async def test_a_job_whose_process_is_silent_for_30_s_is_taken_over(
    ledger: Ledger, clock: Clock, *, silent: int, is_alive: bool
) -> None:
    asked = order()
    first = await accept(ledger, asked)
    await begin(ledger, first)
    last_beat_at = clock.now
    clock.advance(silent)
    again = await ask(ledger, asked)
    if is_alive:
        assert again == CarriedOutElsewhere(last_beat_at)
        assert await reports_of(ledger) == [(1, "pending", 1)]
    else:
        assert isinstance(again, Execution)
        assert again.number == 2
        assert await reports_of(ledger) == [(1, "pending", 1), (2, "pending", 2)]
        assert not await beat(ledger, first)


async def test_a_job_that_succeeded_is_not_executed_again(ledger: Ledger) -> None:
    asked = order()
    first = await accept(ledger, asked)
    await begin(ledger, first)
    report = await end(ledger, first)
    assert await ask(ledger, asked) == Done(report)
    assert await reports_of(ledger) == [(1, "pending", 1), (1, "success", 1)]


@pytest.mark.parametrize(
    "state", [JobState.FAILED, JobState.TIMED_OUT, JobState.CANCELLED, JobState.CRASHED, JobState.LOST]
)
async def test_a_job_that_ended_otherwise_is_executed_again_with_the_next_turn(ledger: Ledger, state: JobState) -> None:
    asked = order()
    await run_job(ledger, asked, state)
    again = await ask(ledger, asked)
    assert isinstance(again, Execution)
    job = await job_of(ledger, again)
    assert (job.execution, job.turn, job.state) == (2, 2, JobState.WAITING)
    assert (job.started_at, job.ended_at, job.exit_code, job.summary) == (None, None, None, None)
    assert (await reports_of(ledger))[2:] == [(2, "pending", 2)]


@pytest.mark.parametrize(
    "other",
    [
        {"type": "typedoc"},
        {"target": Target("acme/site", SHA, "docs/other")},
        {"target": Target("acme/site", "0" * 40, "docs/sphinx")},
        {"target": None, "url": None},
    ],
    ids=str,
)
async def test_a_flow_run_that_comes_back_with_another_order_is_refused(
    ledger: Ledger, other: dict[str, object]
) -> None:
    asked = order()
    await accept(ledger, asked)
    with pytest.raises(ConflictingJob, match="start a new flow run"):
        await ask(ledger, replace(asked, **other))  # type: ignore[arg-type]  # fields of an order, by name
    assert await reports_of(ledger) == [(1, "pending", 1)]


async def test_the_same_target_in_another_spelling_is_the_same(ledger: Ledger) -> None:
    asked = order()
    await run_job(ledger, asked)
    spelled = replace(asked, target=Target("Acme/Site", SHA, "DOCS/sphinx"))
    assert isinstance(await ask(ledger, spelled), Done)


async def test_a_job_without_a_target_records_nothing(ledger: Ledger) -> None:
    asked = replace(order(), target=None, url=None)
    execution = await run_job(ledger, asked)
    assert execution.report is None
    assert await reports_of(ledger) == []
    assert await ask(ledger, asked) == Done(None)


async def test_a_group_runs_one_job_at_a_time_in_the_order_of_acceptance(ledger: Ledger) -> None:
    first, second, third = [await accept(ledger, order(f"docs/{n}", group="site")) for n in range(3)]
    stranger = await accept(ledger, order(group="elsewhere"))
    assert await begin(ledger, second) is JobState.WAITING  # the first is ahead, though it has not begun
    assert await begin(ledger, first) is JobState.RUNNING
    assert await begin(ledger, stranger) is JobState.RUNNING
    assert await begin(ledger, second) is JobState.WAITING
    await end(ledger, first)
    assert await begin(ledger, third) is JobState.WAITING
    assert await begin(ledger, second) is JobState.RUNNING


@pytest.mark.parametrize(("silent", "state"), [(29, JobState.WAITING), (31, JobState.RUNNING)])
async def test_a_waiting_job_without_a_heartbeat_is_passed_over(
    ledger: Ledger, clock: Clock, silent: int, state: JobState
) -> None:
    await accept(ledger, order(group="site"))
    clock.advance(silent)
    assert await begin(ledger, await accept(ledger, order("docs/next", group="site"))) is state


@pytest.mark.parametrize(
    ("job", "number"), [("another", 1), ("mine", 2)], ids=["of another job", "of another execution"]
)
async def test_another_execution_changes_nothing(ledger: Ledger, job: str, number: int) -> None:
    mine = await accept(ledger, order())
    await begin(ledger, mine)
    before = (await job_of(ledger, mine)).model_dump()
    other = Execution(uuid4() if job == "another" else mine.job_id, number, None)
    assert await begin(ledger, other) is None
    assert not await beat(ledger, other)
    assert await end(ledger, other) is None
    assert (await job_of(ledger, mine)).model_dump() == before
    assert await reports_of(ledger) == [(1, "pending", 1)]


@pytest.mark.parametrize("state", [state for state in JobState if state.is_over and state is not JobState.LOST])
async def test_an_ended_execution_does_not_end_again(ledger: Ledger, state: JobState) -> None:
    execution = await run_job(ledger, order(), state)
    assert not await beat(ledger, execution)
    assert await end(ledger, execution, JobState.FAILED) is None
    assert (await job_of(ledger, execution)).state is state


async def test_a_lost_job_comes_back_by_its_beat(ledger: Ledger) -> None:
    execution = await run_job(ledger, order(), JobState.LOST)
    assert await beat(ledger, execution)
    job = await job_of(ledger, execution)
    assert (job.state, job.ended_at) == (JobState.RUNNING, None)


async def test_a_lost_job_does_not_come_back_into_a_group_that_is_taken(ledger: Ledger) -> None:
    lost = await run_job(ledger, order(group="site"), JobState.LOST)
    await begin(ledger, await accept(ledger, order("docs/next", group="site")))
    assert not await beat(ledger, lost)
    assert (await job_of(ledger, lost)).state is JobState.LOST


async def test_an_error_after_a_loss_keeps_the_first_words_and_notes_the_real_ones(world: World) -> None:
    lost = await run_job(world.ledger, order(), JobState.LOST)
    await world.deliver()
    await end(world.ledger, lost, JobState.CANCELLED, "cancelled by ann")
    await world.deliver()
    assert world.held() == ["error"]
    assert (await world.phases())["error"] is Phase.DELIVERED
    with world.ledger.transaction() as tx:
        notes = tx.session.exec(select(ReportEvent.note).where(col(ReportEvent.note).is_not(None))).all()
    assert notes == ["first words kept; these were: cancelled by ann"]


@pytest.mark.parametrize("words", ["a\0b", "\ud800", "x" * 5000])
async def test_no_words_from_outside_keep_a_job_from_ending(ledger: Ledger, words: str) -> None:
    execution = await accept(ledger, order())
    await begin(ledger, execution)
    assert await end(ledger, execution, JobState.FAILED, words) is not None


async def test_an_end_and_its_report_are_stored_together(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = await accept(ledger, order())
    await begin(ledger, execution)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("storage.delivery.reports.record", fail)
    with pytest.raises(RuntimeError):
        await end(ledger, execution)
    assert (await job_of(ledger, execution)).state is JobState.RUNNING


@RACES
async def test_twenty_accepts_of_one_flow_run_make_one_execution(ledger_url: str, race: Race) -> None:
    results = await race("accepts", ledger_url, str(uuid4()))
    assert sorted(results) == ["CarriedOutElsewhere"] * (MANY - 1) + ["Execution"]
    async with open_ledger(ledger_url) as ledger:
        assert await reports_of(ledger) == [(1, "pending", 1)]


@RACES
async def test_of_twenty_that_begin_at_once_in_one_group_one_runs(ledger_url: str, race: Race) -> None:
    async with open_ledger(ledger_url) as ledger:
        waiting = [await accept(ledger, order(f"docs/{n}", group="site")) for n in range(MANY)]
        results = await race("begins", ledger_url, *(str(execution.job_id) for execution in waiting))
        assert sorted(results) == ["running"] + ["waiting"] * (MANY - 1)


async def test_of_twenty_ends_of_one_execution_one_counts(ledger_url: str) -> None:
    async with open_ledger(ledger_url) as ledger:
        execution = await accept(ledger, order())
        await begin(ledger, execution)
        results = await from_connections("ends", ledger_url, str(execution.job_id))
        assert sorted(results) == ["ended"] + ["too late"] * (MANY - 1)
        with ledger.transaction() as tx:
            assert tx.session.exec(select(func.count()).select_from(StatusReport)).one() == 2
