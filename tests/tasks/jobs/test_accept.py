"""Accepts a flow run: its order, the link of its statuses, and the process that runs it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from ledger_jobs import order
from waiting import until
from world import World

from domain.delivery.target import Target
from domain.jobs.execution import CarriedOutElsewhere, ConflictingJob, Done, Execution, Order
from domain.jobs.job_states import JobState
from domain.jobs.job_type import JobType
from domain.jobs.options import BadOptions, IntegerOption
from domain.jobs.target_request import TargetRequest
from domain.process.identity import Process
from github_api.credentials import DEFAULT_CREDENTIAL, NoCredential, NotAllowed
from settings import Settings
from storage.jobs import jobs
from tasks.jobs import accept as module
from tasks.jobs.accept import accept_job, order_of

SHA = "3f2a91c0" * 5
PROCESSES = IntegerOption(type="integer", minimum=1, maximum=8, args=("-j", "{value}"))
SPHINX = JobType(name="sphinx", command=("true",), options={"processes": PROCESSES}, exclusive="builds")
WANTED = TargetRequest(repository="acme/site", sha=SHA)
HERE = "http://127.0.0.1:4200/runs/flow-run/1"


def ordered(
    wanted: TargetRequest | None = WANTED, *, page: str | None = HERE, options: dict[str, object] | None = None,
    **settings: object,
) -> Order:  # fmt: skip
    return order_of(uuid4(), SPHINX, options or {}, wanted, Settings.model_validate(settings), page=page)


def test_an_order_is_what_was_asked_for() -> None:
    asked = ordered(options={"processes": 2})
    assert asked.target == Target("acme/site", SHA, "docs/sphinx")
    assert (asked.type, asked.options, asked.exclusive_group) == ("sphinx", {"processes": 2}, "builds")
    assert asked.credential == DEFAULT_CREDENTIAL


def test_an_option_given_as_its_default_or_as_text_makes_the_same_order() -> None:
    several = SPHINX.model_copy(update={"options": {"processes": PROCESSES.model_copy(update={"default": 4})}})
    given: tuple[dict[str, object], ...] = ({}, {"processes": 4}, {"processes": "4"})
    orders = [order_of(uuid4(), several, options, None, Settings(), page=None) for options in given]
    assert [one.options for one in orders] == [{"processes": 4}] * 3


def test_an_order_without_a_target_has_no_url_and_no_credential() -> None:
    asked = ordered(None, credentials={"others/*": "env:OTHERS"})
    assert (asked.target, asked.url, asked.credential) == (None, None, "")


@pytest.mark.parametrize("options", [{"output": "/"}, {"processes": 9}, {"processes": True}])
def test_an_option_that_is_not_declared_or_out_of_bounds_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(BadOptions, match=next(iter(options))):
        ordered(options=options)


def test_the_page_of_a_run_is_linked_to_without_the_user_of_prefects_address() -> None:
    assert ordered(page="https://ann:pa55word@ci.test/runs/1").url == "https://ci.test/runs/1"


def test_a_repository_without_a_credential_is_named() -> None:
    with pytest.raises(NoCredential, match="no credential for acme/site: add a pattern") as refused:
        ordered(credentials={"others/*": "env:OTHERS"})
    assert '"acme/*"' in str(refused.value)


def test_a_repository_that_is_not_allowed_is_named_with_those_that_are() -> None:
    assert ordered(allowed_repositories="acme/*").credential == DEFAULT_CREDENTIAL
    with pytest.raises(NotAllowed, match=r"does not name acme/site, .* it names others/\*, acme/docs"):
        ordered(allowed_repositories="others/*, acme/docs")


OURS = "https://prefect.example.com/runs/flow-run/1"
ELSEWHERE = Process("another machine", 4711, 12345)
COMMIT = f"acme/site/commit/{SHA}"


def test_a_status_links_to_the_url_that_was_given() -> None:
    wanted = WANTED.model_copy(update={"url": "https://docs.example.com/preview/42"})
    assert ordered(wanted, page=OURS).url == "https://docs.example.com/preview/42"


def test_a_status_links_to_the_page_of_its_flow_run_where_others_can_open_it() -> None:
    assert ordered(page=OURS).url == OURS


@pytest.mark.parametrize("page", [HERE, "http://localhost:4200/runs/1", "http://[::1]:4200/runs/1"])
def test_a_status_links_to_the_page_of_its_flow_run_on_this_machine_too(page: str) -> None:
    assert ordered(page=page).url == page


@pytest.mark.parametrize("page", [None, "None/flow-runs/flow-run/1"])
def test_a_status_links_to_its_commit_only_where_there_is_no_page(page: str | None) -> None:
    assert ordered(page=page).url == f"https://github.com/{COMMIT}"


def test_an_address_to_listen_on_is_linked_to_as_one_to_open() -> None:
    assert ordered(page="http://0.0.0.0:4200/runs/1").url == "http://127.0.0.1:4200/runs/1"


@pytest.mark.parametrize(
    ("api_url", "base"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com"),
        ("https://github.example.com/api/v3", "https://github.example.com"),
        ("https://github.example.com:8443/api/v3/", "https://github.example.com:8443"),
        ("https://proxy.example.com/github/api/v3", "https://proxy.example.com/github"),
        ("https://api.example.com/api/v3", "https://api.example.com"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("http://0.0.0.0:8123", "http://127.0.0.1:8123"),
        ("http://127.0.0.1:8123/stand-in", "http://127.0.0.1:8123/stand-in"),
    ],
)
def test_the_commits_page_is_on_the_github_that_is_reported_to(api_url: str, base: str) -> None:
    assert ordered(page=None, github_api_url=api_url, allow_http=True).url == f"{base}/{COMMIT}"


async def test_an_order_is_taken_on_once(world: World) -> None:
    asked = order()
    taken = await accept_job(world.reporter, asked)
    assert isinstance(taken, Execution)
    assert taken.number == 1
    await finish(world, taken)
    assert await accept_job(world.reporter, asked) == Done(await world.newest())


class Second:
    """A second process that asks for a job; `looks` counts its transactions, each a check of the first's heartbeat."""

    def __init__(self) -> None:
        self.looks = 0

    async def asks(self, world: World, asked: Order) -> "asyncio.Task[Execution | Done | CarriedOutElsewhere]":
        """Start asking; return the pending answer after two checks."""
        asking = asyncio.create_task(accept_job(await world.sender(self._step), asked))
        await self.has_looked()
        return asking

    async def has_looked(self) -> None:
        """Return after two more checks, the last of which began after the call."""
        wanted = self.looks + 2
        await until(lambda: self.looks >= wanted, what="two more looks at the beat")

    async def _step(self, name: str) -> None:
        self.looks += name == "committed"


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> Second:
    monkeypatch.setattr(module, "POLL_EVERY", timedelta(seconds=0.01))
    return Second()


async def test_a_process_with_a_heartbeat_is_left_alone(world: World, second: Second) -> None:
    asked = order()
    taken = await accepted_elsewhere(world, asked)
    answer = await second.asks(world, asked)
    assert not answer.done(), "a beat that stands may be of a process that has just died"
    world.clock.advance(10)
    with world.ledger.transaction() as tx:
        assert jobs.heartbeat(tx, taken.job_id, 1)
    assert await answer == CarriedOutElsewhere(world.clock.now)


async def test_a_process_without_a_heartbeat_for_30_s_is_taken_over_with_the_next_turn(
    world: World, second: Second
) -> None:
    asked = order()
    await accepted_elsewhere(world, asked)
    answer = await second.asks(world, asked)
    world.clock.advance(29)
    await second.has_looked()
    assert not answer.done()
    world.clock.advance(1)
    taken = await answer
    assert isinstance(taken, Execution)
    assert taken.number == 2
    assert (await world.target()).turns == 2


async def test_a_process_silent_during_an_outage_is_watched_first(world: World, second: Second) -> None:
    asked = order()
    taken = await accepted_elsewhere(world, asked)
    world.clock.advance(60)
    answer = await second.asks(world, asked)
    assert not answer.done()
    world.clock.advance(9)
    with world.ledger.transaction() as tx:
        assert jobs.heartbeat(tx, taken.job_id, 1)
    assert await answer == CarriedOutElsewhere(world.clock.now)


async def test_a_process_that_is_silent_but_lives_here_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, second: Second
) -> None:
    asked, beat_at = order(), world.clock.now
    await accept_job(world.reporter, asked)
    monkeypatch.setattr(module, "this_process", lambda: ELSEWHERE)
    answer = await second.asks(world, asked)
    world.clock.advance(60)
    assert await answer == CarriedOutElsewhere(beat_at)


async def test_accepting_the_same_order_again_is_no_second_execution(world: World) -> None:
    asked = order()
    assert await accept_job(world.reporter, asked) == await accept_job(world.reporter, asked)
    assert (await world.target()).turns == 1


async def test_the_same_flow_run_cannot_ask_for_something_else(world: World) -> None:
    asked = order()
    await accept_job(world.reporter, asked)
    with pytest.raises(ConflictingJob, match="start a new flow run"):
        await accept_job(world.reporter, replace(asked, type="linkcheck"))


async def accepted_elsewhere(world: World, asked: Order) -> Execution:
    taken = await world.ledger.write(jobs.accept, asked, by=ELSEWHERE)
    assert isinstance(taken, Execution)
    return taken


async def finish(world: World, execution: Execution) -> None:
    await world.ledger.write(
        jobs.end, execution.job_id, execution.number, JobState.SUCCEEDED, summary="built", exit_code=0,
        credential=order().credential,
    )  # fmt: skip
