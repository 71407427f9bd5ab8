"""Metrics of a ledger in a known state, on both databases."""

from datetime import timedelta
from uuid import UUID

from figures import figures, fold, passed
from ledger_jobs import CREDENTIAL, accept, begin, end, order, run_job
from world import World

from domain.delivery.report import EventKind, Phase
from domain.delivery.target import StatusState
from domain.jobs.job_states import JobState
from domain.operations.metrics import Group, LastRun, Snapshot
from fake_github.faults import Kind
from storage.delivery import reconciliation_runs
from storage.maintenance.restored import read_back_everything


async def test_an_empty_ledger_shows_zeros(world: World) -> None:
    shown = await figures(world)
    assert shown.reports == {}
    assert shown.oldest_undelivered_at is None
    assert shown.last_pass is None
    assert set(shown.deliveries.values()) | set(shown.tries.values()) | set(shown.passes.values()) == {0}
    assert (shown.duplicates, shown.latency.seconds, set(shown.latency.counts.values())) == (0, 0, {0})


async def test_due_sending_and_rejected_reports_are_counted_by_state_and_reason(world: World) -> None:
    world.fault(Kind.ARCHIVED)
    world.fault(Kind.NO_SUCH_COMMIT)
    for context in ("docs/refused", "docs/healing", "docs/due"):
        await run_job(world.ledger, order(context))
        if context != "docs/due":
            await world.deliver(context)
    await accept(world.ledger, order("docs/running"))
    assert (await figures(world)).reports == {
        Group(StatusState.SUCCESS, Phase.REJECTED, "archived"): 1,
        Group(StatusState.SUCCESS, Phase.DUE, "no_such_commit"): 1,
        Group(StatusState.SUCCESS, Phase.DUE, ""): 1,
        Group(StatusState.PENDING, Phase.DUE, ""): 1,
    }


async def test_a_report_being_sent_is_counted_as_such(world: World) -> None:
    seen: list[Snapshot] = []

    async def look(step: str) -> None:
        if step == "POST":
            seen.append(await figures(world))

    await run_job(world.ledger, order())
    await world.deliver(by=await world.sender(look))
    assert [shown.reports for shown in seen] == [{Group(StatusState.SUCCESS, Phase.SENDING, ""): 1}]


async def test_a_pause_is_the_reason_of_reports_that_wait_for_it(world: World) -> None:
    world.fault(Kind.SECONDARY_LIMIT)
    await run_job(world.ledger, order())
    await world.deliver()
    shown = await figures(world)
    assert shown.reports == {Group(StatusState.SUCCESS, Phase.DUE, "secondary_limit"): 1}
    (pause,) = shown.pauses
    assert (pause.credential, pause.reason) == (CREDENTIAL, "secondary_limit")
    assert pause.until > world.clock.now
    world.clock.advance(3600)
    assert (await figures(world)).reports == {Group(StatusState.SUCCESS, Phase.DUE, ""): 1}
    await world.deliver()
    assert (await figures(world)).pauses == ()


async def test_the_oldest_undelivered_is_the_oldest_current_report(world: World) -> None:
    await run_job(world.ledger, order("docs/old"))
    recorded = world.clock.now
    world.clock.advance(60)
    await run_job(world.ledger, order("docs/new"))
    assert (await figures(world)).oldest_undelivered_at == recorded
    await world.deliver("docs/old")
    assert (await figures(world)).oldest_undelivered_at == recorded + timedelta(seconds=60)
    await world.deliver("docs/new")
    assert (await figures(world)).oldest_undelivered_at is None


async def test_a_rejected_report_is_not_undelivered(world: World) -> None:
    world.fault(Kind.ARCHIVED)
    await run_job(world.ledger, order())
    await world.deliver()
    assert (await figures(world)).oldest_undelivered_at is None


async def test_a_refusal_that_may_heal_counts_as_a_try_each_time_and_as_one_report(world: World) -> None:
    world.fault(Kind.NO_SUCH_COMMIT, times=3)
    await run_job(world.ledger, order())
    for _ in range(3):
        await world.deliver()
        world.clock.advance(2000)
    shown = await figures(world)
    assert shown.tries[EventKind.REJECTED] == 3
    assert shown.reports == {Group(StatusState.SUCCESS, Phase.REJECTED, "no_such_commit"): 1}


async def test_a_second_error_of_one_execution_is_one_report(world: World) -> None:
    execution = await accept(world.ledger, order())
    await begin(world.ledger, execution)
    await end(world.ledger, execution, JobState.LOST)
    await end(world.ledger, execution, JobState.CRASHED)
    assert (await figures(world)).reports == {Group(StatusState.ERROR, Phase.DUE, ""): 1}
    await world.deliver()
    shown = await figures(world)
    assert shown.deliveries[StatusState.ERROR] == sum(shown.latency.counts.values()) == 1
    assert (shown.jobs["sphinx", JobState.LOST], shown.jobs["sphinx", JobState.CRASHED]) == (1, 1)


async def test_a_superseded_refusal_is_no_rejected_report(world: World) -> None:
    world.fault(Kind.ARCHIVED)
    await run_job(world.ledger, order())
    await world.deliver()
    await run_job(world.ledger, order())
    assert (await figures(world)).reports == {Group(StatusState.SUCCESS, Phase.DUE, ""): 1}


async def test_jobs_are_counted_as_they_end_and_a_retry_takes_none_back(world: World) -> None:
    asked = order()
    await run_job(world.ledger, asked, JobState.FAILED)
    first = await figures(world)
    assert first.jobs["sphinx", JobState.FAILED] == 1
    await run_job(world.ledger, asked)
    again = await figures(world)
    assert (again.jobs["sphinx", JobState.FAILED], again.jobs["sphinx", JobState.SUCCEEDED]) == (1, 1)


async def test_a_type_of_job_stands_at_zero_before_the_first_has_ended(world: World) -> None:
    await accept(world.ledger, order())
    assert (await figures(world)).jobs == {("sphinx", state): 0 for state in JobState if state.is_over}


async def test_jobs_that_wait_and_run_are_counted_until_they_end(world: World) -> None:
    running, waiting = await accept(world.ledger, order("docs/a")), await accept(world.ledger, order("docs/b"))
    await begin(world.ledger, running)
    assert (await figures(world)).at_work == {("sphinx", JobState.WAITING): 1, ("sphinx", JobState.RUNNING): 1}
    await end(world.ledger, running)
    assert (await figures(world)).at_work == {("sphinx", JobState.WAITING): 1, ("sphinx", JobState.RUNNING): 0}
    await end(world.ledger, waiting, JobState.CANCELLED)
    assert (await figures(world)).at_work == {}


async def test_what_github_holds_after_much_trouble_is_what_is_counted(world: World) -> None:
    kinds = (Kind.CLOSE, Kind.SERVER_ERROR, Kind.SECONDARY_LIMIT, Kind.ARCHIVED)
    for number, kind in enumerate(kinds * 2):
        world.fault(kind, where="after" if kind is Kind.CLOSE else "before")
        await run_job(world.ledger, order(f"docs/{number}", sha=f"{number:040x}"))
        await world.deliver(f"docs/{number}")
        world.clock.advance(100)
    await world.reconcile(every=100)
    shown = await figures(world)
    held = world.github.store.held()
    assert shown.deliveries[StatusState.SUCCESS] == len(held) == sum(shown.latency.counts.values())
    assert sum(count for group, count in shown.reports.items() if group.phase is Phase.REJECTED) == 8 - len(held)
    assert shown.tries == {
        EventKind.DELIVERED: 4,
        EventKind.FOUND: 2,
        EventKind.REJECTED: 2,
        EventKind.THROTTLED: 2,
        EventKind.NOT_SENT: 0,
        EventKind.UNKNOWN: 4,
        EventKind.RECOVERED: 0,
    }


async def test_reconciliation_runs_are_counted_by_result(world: World) -> None:
    await passed(world, seconds=7)
    ended_at = world.clock.now
    await passed(world, seconds=None)
    assert (await figures(world)).last_pass == LastRun(ended_at, timedelta(seconds=7))
    assert (await figures(world)).passes == {True: 1, False: 0}
    world.clock.advance(3599)
    await fold(world)
    assert (await figures(world)).passes == {True: 1, False: 0}
    world.clock.advance(2)
    await fold(world)
    assert (await figures(world)).passes == {True: 1, False: 1}


async def test_a_run_that_ends_after_it_was_given_up_stays_given_up(world: World) -> None:
    number = await world.ledger.write(reconciliation_runs.begin, UUID(int=1))
    world.clock.advance(3601)
    await fold(world)
    with world.ledger.transaction() as tx:
        reconciliation_runs.end(tx, number, began=tx.now, delivered=0, undelivered=0)
    assert (await figures(world)).passes == {True: 0, False: 1}


async def test_a_backup_that_was_put_back_is_no_try(world: World) -> None:
    await run_job(world.ledger, order())
    await world.ledger.write(read_back_everything, policy=world.policy)
    assert (await figures(world)).tries[EventKind.RECOVERED] == 0
