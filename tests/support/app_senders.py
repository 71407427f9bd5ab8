"""Senders that are a GitHub App, in a world whose stand-in GitHub has it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
from github_apps import CREDENTIAL, an_app, key_pair
from ledger_jobs import order, run_job
from sqlmodel import select
from world import Clock, World, world_on

from domain.delivery.policy import Policy
from fake_github.app import FakeGitHub
from fake_github.apps import App, Apps
from fake_github.in_process import InProcessTransport
from fake_github.surfaces.surface import Rules
from github_api import apps
from storage.delivery.availability import Busy, Settled
from storage.ledger import Ledger
from storage.models import Credential
from tasks.delivery.app_tokens import AppTokens
from tasks.delivery.reporter import Reporter

SECONDS = timedelta(seconds=2)
AS_APP = {"endpoint": "access_tokens"}
"""A fault that strikes the making of a token."""


@asynccontextmanager
async def world_with_app(
    ledger: Ledger, clock: Clock, app: App | None = None, rules: Rules | None = None
) -> AsyncIterator[World]:
    """A world whose reporter is the App."""
    made = Apps([app or an_app()])
    github = FakeGitHub(rules, clock=clock, sleep=clock.sleep, apps=made)
    async with world_on(ledger, clock, github=github, policy=Policy(first_delay=SECONDS, budget=None)) as world:
        world.reporter = await as_app(world)
        yield world


async def as_app(
    world: World, *, key: str = "", now: Callable[[], datetime] | None = None, by: Reporter | None = None
) -> Reporter:
    """A sender in a process of its own, with *key*, and *now* as its clock for GitHub's times."""
    tokens = await world.clients.enter_async_context(tokens_of(world, now=now))

    async def secret_of(_: str) -> str:
        return key or key_pair()[0]

    return replace(by or await world.sender(), secret_of=secret_of, apps=tokens)


def tokens_of(
    world: World, *, now: Callable[[], datetime] | None = None, transport: httpx.AsyncBaseTransport | None = None
) -> AppTokens:
    """The tokens of a process whose own clock is the world's."""
    way = transport or InProcessTransport(world.github)

    def connect() -> apps.Apps:
        return apps.Apps("http://github.test", world.policy.timeout, now or world.now, way)

    def monotonic() -> float:
        return world.clock.now.timestamp()

    return AppTokens(connect, monotonic)


async def due(world: World, *contexts: str) -> None:
    """Have an outcome due for each context."""
    for context in contexts or ("docs/sphinx",):
        await run_job(world.ledger, replace(order(context), credential=CREDENTIAL))


async def credential(world: World) -> Credential:
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(Credential).where(Credential.name == CREDENTIAL)).one()


def minted(world: World) -> int:
    """How many tokens GitHub has made."""
    return len(world.github.apps.tokens)


def answered(world: World, status: int, *, method: str = "POST", last: str = "") -> int:
    """How many requests whose path has *last* in it GitHub has answered with *status*."""
    return sum(
        seen.method == method and seen.answered == status and last in seen.path for seen in world.github.requests.seen
    )


def outcome_of(result: Settled | Busy) -> object:
    """The outcome of an attempt that was made."""
    assert isinstance(result, Settled)
    return result.outcome
