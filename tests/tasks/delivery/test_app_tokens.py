"""The tokens of one process: made once for all who wait, for one repository and use, and remembered."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from app_senders import minted, tokens_of, world_with_app
from github_apps import CREDENTIAL, key_pair
from waiting import until
from world import Clock, World

from domain.delivery.outcome import NoToken, NotSent
from fake_github.in_process import InProcessTransport
from github_api.apps import CHECKOUT, PUSH, STATUSES
from storage.ledger import Ledger
from tasks.delivery.app_tokens import AccessToken, AppTokens, NotMinted

SITE = "acme/site"
pytestmark = pytest.mark.parametrize("database", ["sqlite"])  # none of it is in the database


@pytest.fixture
async def world(ledger: Ledger, clock: Clock) -> AsyncIterator[World]:
    async with world_with_app(ledger, clock) as made:
        yield made


class Gate(httpx.AsyncBaseTransport):
    """Holds every request back until it is opened."""

    def __init__(self, world: World) -> None:
        self._way = InProcessTransport(world.github)
        self.waiting = 0
        self.open = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.waiting += 1
        await self.open.wait()
        return await self._way.handle_async_request(request)


async def token(tokens: AppTokens, repository: str = SITE, key: str = "", **permissions: str) -> AccessToken:
    return await tokens.token(CREDENTIAL, key or key_pair()[0], repository, permissions or STATUSES)


async def test_one_token_is_made_for_all_who_wait_also_if_the_first_gives_up(world: World) -> None:
    gate = Gate(world)
    async with tokens_of(world, transport=gate) as tokens:
        first = asyncio.create_task(token(tokens))
        others = [asyncio.create_task(token(tokens, "ACME/Site")) for _ in range(7)]
        await until(lambda: gate.waiting > 0, within=10, what="a request")
        first.cancel()
        gate.open.set()
        got = {(await one).value for one in others}
        assert first.cancelled()
        assert (len(got), minted(world)) == (1, 1)
        assert (await token(tokens)).value in got


async def test_a_process_that_ends_ends_what_is_being_made(world: World) -> None:
    gate = Gate(world)
    async with tokens_of(world, transport=gate) as tokens:
        waiter = asyncio.create_task(token(tokens))
        await until(lambda: gate.waiting > 0, within=10, what="a request")
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert minted(world) == 0


async def test_each_use_and_each_repository_has_a_token_of_its_own(world: World) -> None:
    async with tokens_of(world) as tokens:
        for permissions in (STATUSES, CHECKOUT, PUSH):
            await token(tokens, **permissions)
            await token(tokens, **permissions)
        await token(tokens, "acme/other")
    made = [(one.repositories, dict(one.permissions)) for one in world.github.apps.tokens.values()]
    assert made == [
        ([SITE], {"metadata": "read", "statuses": "write"}),
        ([SITE], {"metadata": "read", "contents": "read"}),
        ([SITE], {"metadata": "read", "contents": "write"}),
        (["acme/other"], {"metadata": "read", "statuses": "write"}),
    ]
    assert sum(seen.path.endswith("/installation") for seen in world.github.requests.seen) == 2


async def test_another_key_of_the_app_has_tokens_of_its_own_and_no_secret_shows(world: World) -> None:
    async with tokens_of(world) as tokens:
        made = await token(tokens)
        with pytest.raises(NotMinted) as refused:
            await token(tokens, key=key_pair(1)[0])
        assert refused.value.secret != made.secret
        for shown in (repr(made), repr(refused.value.outcome), repr(list(tokens._made.values()))):
            assert made.value not in shown
            assert "PRIVATE KEY" not in shown


async def test_a_key_that_cannot_sign_is_not_quoted(world: World) -> None:
    broken = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"
    async with tokens_of(world) as tokens:
        with pytest.raises(NotMinted, match=r"cannot be read: put the \.pem file there as GitHub gave it") as refused:
            await token(tokens, key=broken)
    assert isinstance(refused.value.outcome, NoToken)
    assert "AAAA" not in str(refused.value)
    assert not world.github.requests.seen


async def test_what_may_pass_is_asked_about_again_at_once(world: World) -> None:
    world.fault("server_error", endpoint="access_tokens")  # type: ignore[arg-type]  # checked by it
    async with tokens_of(world) as tokens:
        with pytest.raises(NotMinted) as failed:
            await token(tokens)
        assert isinstance(failed.value.outcome, NotSent)
        assert (await token(tokens)).value


async def test_tokens_that_have_expired_are_forgotten(world: World) -> None:
    async with tokens_of(world) as tokens:
        for _ in range(5):
            await token(tokens)
            world.clock.advance(3600)
        assert len(tokens._made) == 1
