"""From reports to statuses as a GitHub App, over real sockets, with time passed in: hours take seconds."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import replace
from itertools import count

import pytest
from app_senders import answered, credential, due, minted, world_with_app
from github_apps import CLIENT_ID, an_app, key_pair
from waiting import until
from world import Clock, World, due_ids

from domain.delivery.outcome import Reason
from domain.delivery.report import Phase
from fake_github.wire import Server, config_of
from github_api.apps import Apps
from github_api.commit_statuses import CommitStatuses
from storage.ledger import Ledger
from tasks.delivery.app_tokens import AppTokens
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter

pytestmark = pytest.mark.parametrize("database", ["sqlite"])
BACKLOG, SENDERS = 300, 4
SECONDS_EACH = 12
"""The simulated seconds that one round of senders takes."""


class _InTest(Server):
    """Serves in the loop of the test, whose signals it leaves alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with nullcontext():
            yield


@asynccontextmanager
async def on_a_socket(world: World) -> AsyncIterator[str]:
    """The address of the world's GitHub, which listens on a real socket of this process."""
    server = _InTest(config_of(world.github.app, port=0))
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started, what="the stand-in to listen")
        yield server.url
    finally:
        server.should_exit = True
        await serving


async def process(world: World, url: str, *, key: str = "") -> Reporter:
    """What a process has of its own: connections, and tokens in its memory."""
    surface = await world.clients.enter_async_context(CommitStatuses(url, world.policy.timeout, world.now))

    def connect() -> Apps:
        return Apps(url, world.policy.timeout, world.now)

    def monotonic() -> float:
        return world.clock.now.timestamp()

    tokens = await world.clients.enter_async_context(AppTokens(connect, monotonic))

    async def secret_of(_: str) -> str:
        return key or key_pair()[0]

    return replace(world.reporter, surface=surface, apps=tokens, secret_of=secret_of)


async def one_round(world: World, processes: list[Reporter]) -> int:
    """Have each sender of each process try one report that is due. Returns how many were tried."""
    ids = await world.ledger.write(due_ids, limit=SENDERS * len(processes))
    senders = [by for by in processes for _ in range(SENDERS)]
    await asyncio.gather(*(deliver(by, one, only_if_due=True) for by, one in zip(senders, ids, strict=False)))
    return len(ids)


def contexts(world: World) -> list[str]:
    return sorted(one.context for one in world.github.store.held())


@asynccontextmanager
async def world_of(ledger: Ledger, clock: Clock, *, token_seconds: float = 3600) -> AsyncIterator[World]:
    async with world_with_app(ledger, clock, an_app(token_seconds=token_seconds)) as world:
        yield world


async def test_a_backlog_of_300_is_delivered_while_tokens_are_renewed_and_revoked(ledger: Ledger, clock: Clock) -> None:
    async with world_of(ledger, clock, token_seconds=300) as world, on_a_socket(world) as url:
        backlog = [f"docs/{number:03}" for number in range(BACKLOG)]
        await due(world, *backlog)
        only = [await process(world, url)]
        for round_ in count():
            if not await one_round(world, only) and len(world.github.store.held()) == BACKLOG:
                break
            world.clock.advance(SECONDS_EACH)
            if round_ == 40:
                world.github.apps.revoke()
        assert contexts(world) == backlog
        assert minted(world) == 4  # at 0, 252, 492 (the one before was revoked) and 744 of some 900 seconds
        assert 1 <= answered(world, 401) <= SENDERS
        for token in world.github.apps.tokens.values():
            assert (token.repositories, dict(token.permissions)) == (
                ["acme/site"], {"metadata": "read", "statuses": "write"},
            )  # fmt: skip
        assert (await credential(world)).paused_until is None


async def test_eight_senders_in_two_processes_make_six_tokens_in_two_hours(ledger: Ledger, clock: Clock) -> None:
    async with world_of(ledger, clock) as world, on_a_socket(world) as url:
        two = [await process(world, url), await process(world, url)]
        for minute in range(120):
            await due(world, *(f"docs/{minute}-{number}" for number in range(2 * SENDERS)))
            assert await one_round(world, two) == 2 * SENDERS
            world.clock.advance(60)
        assert len(world.github.store.held()) == 120 * 2 * SENDERS
        print(f"\n{minted(world)} tokens in two hours")  # noqa: T201  # the figure that is asked for
        assert (minted(world), answered(world, 401)) == (6, 0)


async def test_a_wrong_key_is_one_sentence_on_the_report_and_a_pause_of_its_holders(
    ledger: Ledger, clock: Clock
) -> None:
    async with world_of(ledger, clock) as world, on_a_socket(world) as url:
        await due(world)
        await one_round(world, [await process(world, url, key=key_pair(1)[0])])
        said = f"GitHub does not accept the private key of the App {CLIENT_ID}: A JSON web token could not be decoded"
        assert (await world.target()).last_error == f"bad_credentials: {said}"
        assert (await credential(world)).pause_reason == Reason.BAD_CREDENTIALS
        assert ((await world.phases())["success"], world.held()) == (Phase.DUE, [])
        await one_round(world, [await process(world, url)])
        assert world.held() == ["success"]
