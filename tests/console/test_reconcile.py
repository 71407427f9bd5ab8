"""`reportback reconcile`, with no Prefect server available."""

import logging
from datetime import timedelta

import pytest
from ledger_jobs import accept, begin, order
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, temporary_settings
from shell import Shell, recorded
from sqlmodel import select, update
from world import World

from console.reconcile import reconcile_now
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from fake_github.process import StandIn
from storage import counters
from storage.models import Job, Reconciliation, ReportEvent, StatusTarget
from storage.operations import event_counts
from tasks.jobs import lost


async def test_due_reports_are_delivered_and_the_run_is_recorded(world: World, shell: Shell, stand_in: StandIn) -> None:
    await recorded(world, "docs/a")
    await recorded(world, "docs/refused", Kind.ARCHIVED)
    assert await reconcile_now() == 0
    out, err = shell.heard()
    assert out == "Delivered 1, undelivered 0.\n"
    assert [line.partition(":")[0] for line in err.splitlines()] == ["INFO sending to GitHub", "INFO on GitHub"]
    assert [status["context"] for status in await stand_in.statuses()] == ["docs/a"]
    with world.ledger.transaction() as tx:
        [noted] = tx.session.exec(select(Reconciliation))
    assert (noted.delivered, noted.ended_at is not None) == (1, True)


@pytest.mark.usefixtures("stand_in")
async def test_prefect_is_sent_nothing_that_the_end_could_wait_for(
    world: World, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventsWorker, "instance", pytest.fail)
    monkeypatch.setattr("tasks.operations.publish_events.get_client", pytest.fail)
    await recorded(world, "docs/a")
    assert await reconcile_now() == 0
    assert "on GitHub: " in shell.heard()[1]


@pytest.mark.usefixtures("stand_in")
async def test_old_rows_are_folded_and_pruned_as_by_any_run(
    world: World, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_KEEP", "1d")
    world.clock.advance(-2 * 86400)
    await recorded(world, "docs/old")
    assert await reconcile_now() == 0
    with world.ledger.transaction() as tx:
        assert counters.read(tx)[event_counts.EVENTS] > 0
        tx.session.exec(update(ReportEvent).values(at=world.clock.now))
    await recorded(world, "docs/new")
    assert await reconcile_now() == 0
    assert "could not" not in shell.said()
    with world.ledger.transaction() as tx:
        assert list(tx.session.exec(select(StatusTarget.context))) == ["docs/new"]


@pytest.mark.usefixtures("stand_in", "world")
async def test_what_a_module_logs_is_printed_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise ZeroDivisionError("out of rows")

    monkeypatch.setattr("tasks.operations.retention.prune_runs", full)
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler()])  # as Prefect sets one up
    assert await reconcile_now() == 0
    assert shell.heard()[1] == "what is old could not be pruned: ZeroDivisionError('out of rows')\n"


async def test_a_lost_job_is_ended_and_reported(
    world: World, shell: Shell, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost, "WATCH_FOR", timedelta(seconds=0.1))
    asked = order("docs/lost")
    execution = await accept(world.ledger, asked)
    await begin(world.ledger, execution)
    with world.ledger.transaction() as tx:
        tx.session.exec(update(Job).values(host="a boot that is over"))
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", "")
    monkeypatch.setenv("TOKEN", "a-longer-token")
    assert await reconcile_now() == 0
    out, err = shell.heard()
    assert out.startswith("Delivered ")
    assert f'WARNING a job is lost: job={asked.flow_run_id} execution=1 words="lost: no sign of life since ' in err
    assert (await stand_in.statuses())[-1]["state"] == "error"
    with world.ledger.transaction() as tx:
        assert tx.session.exec(select(Job.state)).one() is JobState.LOST


@pytest.mark.parametrize(
    ("api_url", "words"),
    [
        ("http://127.0.0.1:9/api", "Prefect cannot be asked for the Secret block of secret:acme: ConnectError"),
        ("", "PREFECT_API_URL is not set, so that Prefect cannot be asked for the Secret block of secret:acme"),
    ],
)
async def test_a_report_whose_token_prefect_keeps_waits_and_says_so(
    world: World, shell: Shell, stand_in: StandIn, *, api_url: str, words: str
) -> None:
    await recorded(world, "docs/a")
    number = await recorded(world, "docs/secret", credential="secret:acme")
    with temporary_settings({PREFECT_API_URL: api_url or None}):
        assert await reconcile_now() == 1
    said = shell.said()
    assert said.startswith("Delivered 1, undelivered 1.")
    assert f"{number} acme/site 3f2a91c docs/secret success due 2 h in " in said
    assert words in said
    assert len(await stand_in.statuses()) == 1
