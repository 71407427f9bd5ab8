"""Checks out and pushes with the tokens of an App, which the host knows as GitHub does."""

from collections.abc import AsyncIterator, Callable

import pytest
from app_senders import tokens_of, world_with_app
from git_host import Host
from github_apps import CREDENTIAL, key_pair
from pushing import PUSH
from repositories import Origin, write
from world import Clock, World

from fake_github.apps import READ, WRITE
from github_api import apps
from github_api.apps import CHECKOUT, STATUSES
from storage.ledger import Ledger
from tasks.git.checkout import CheckoutFailed, working_copy
from tasks.git.push import PushFailed, push_changes

SQLITE = pytest.mark.parametrize("database", ["sqlite"])


@pytest.fixture
async def world(ledger: Ledger, clock: Clock) -> AsyncIterator[World]:
    async with world_with_app(ledger, clock) as made:
        yield made


def knows_tokens_of(world: World) -> Callable[[str, bool], bool]:
    """Git over https accepts an installation token that works, has the permission, and is for the repository."""

    def accepts(password: str, writes: bool) -> bool:  # noqa: FBT001  # as the host calls it
        token = world.github.apps.token_of(password)
        works = token is not None and token.works(world.clock.now) and token.reaches("acme/site")
        return works and token is not None and token.allows("contents", WRITE if writes else READ)

    return accepts


async def token(world: World, permissions: apps.Permissions) -> str:
    async with tokens_of(world) as tokens:
        return (await tokens.token(CREDENTIAL, key_pair()[0], "acme/site", permissions)).value


@SQLITE
async def test_an_app_checks_out_and_pushes_with_a_token_for_each(origin: Origin, host: Host, world: World) -> None:
    host.accepts = knows_tokens_of(world)
    url, sha = f"{host.url}/{origin.bare.name}", origin.head("main") or ""
    reads, pushes = await token(world, CHECKOUT), await token(world, apps.PUSH)
    async with working_copy(url, sha, token=reads) as copy:
        write(copy, docs__page_md="new")
        with pytest.raises(PushFailed):
            await push_changes(copy, PUSH, clone_url=url, sha=sha, token=reads, message="update")
        await push_changes(copy, PUSH, clone_url=url, sha=sha, token=pushes, message="update")
    assert origin.files("main") == {"docs/page.md": "new"}


@SQLITE
async def test_a_token_that_only_reports_checks_nothing_out(origin: Origin, host: Host, world: World) -> None:
    host.accepts = knows_tokens_of(world)
    with pytest.raises(CheckoutFailed):
        async with working_copy(
            f"{host.url}/{origin.bare.name}", origin.head("main") or "", token=await token(world, STATUSES)
        ):
            pytest.fail("it has no right to")


@pytest.mark.parametrize("kind", ["ghs_", "ghp_"])
async def test_a_host_that_does_not_know_an_apps_new_token_yet_is_asked_again(
    origin: Origin, host: Host, kind: str
) -> None:
    asked: list[str] = []

    def later(password: str, _: bool) -> bool:  # noqa: FBT001  # as the host calls it
        asked.append(password)
        return len(asked) > 2

    host.accepts = later
    making = working_copy(f"{host.url}/{origin.bare.name}", origin.head("main") or "", token=f"{kind}42_new-token")
    if kind == "ghs_":
        async with making as copy:
            assert (copy / "docs" / "page.md").exists()
    else:
        with pytest.raises(CheckoutFailed):
            async with making:
                pytest.fail("a token that a person made is refused for good")
        assert len(asked) == 1
