"""Delivering as a GitHub App: a token for the repository alone, renewed, replaced, and what GitHub's refusals mean."""

from datetime import timedelta

import pytest
from app_senders import AS_APP, answered, as_app, credential, due, minted, outcome_of
from github_apps import CLIENT_ID, installation, key_pair
from world import World

from domain.delivery.outcome import NoToken, Reason, Rejected, StaleToken, Throttled
from domain.delivery.report import Phase
from fake_github.faults import Kind
from fake_github.surfaces.surface import Rules
from storage.delivery.availability import Busy

STATUSES = "/statuses/"
HOUR = timedelta(hours=1)


async def last_error(world: World) -> str:
    return (await world.target()).last_error or ""


async def test_a_report_is_sent_with_a_token_for_its_repository_and_its_use_alone(world: World) -> None:
    await due(world)
    await world.deliver()
    assert world.held() == ["success"]
    (token,) = world.github.apps.tokens.values()
    assert token.repositories == ["acme/site"]
    assert token.permissions == {"metadata": "read", "statuses": "write"}


async def test_a_token_serves_until_most_of_its_life_is_over(world: World) -> None:
    contexts = [f"docs/{number}" for number in range(4)]
    await due(world, *contexts)
    made = []
    for context, minutes in zip(contexts, (0, 49, 2, 10), strict=True):
        world.clock.advance(minutes * 60)
        await world.deliver(context)
        made.append(minted(world))
    assert (len(world.github.store.held()), made) == (4, [1, 1, 2, 2])
    assert answered(world, 401) == 0


async def test_a_revoked_token_is_replaced_without_a_pause(world: World) -> None:
    await due(world, "docs/first", "docs/sphinx")
    await world.deliver("docs/first")
    world.github.apps.revoke()
    world.clock.advance(60)
    refused = outcome_of(await world.deliver())
    assert isinstance(refused, StaleToken)
    assert (await credential(world)).paused_until is None
    assert (await world.target()).due_at == world.clock.now + timedelta(seconds=1)
    world.clock.advance(1)
    await world.deliver(only_if_due=True)
    assert (world.held(), minted(world), answered(world, 401)) == (["success"], 2, 1)


async def test_a_new_token_that_github_does_not_know_yet_is_tried_again_within_seconds(world: World) -> None:
    world.fault(Kind.LAG, method="POST", seconds=3, **AS_APP)
    await due(world)
    for _ in range(6):
        await world.deliver(only_if_due=True)
        world.clock.advance(1)
    assert (world.held(), minted(world)) == (["success"], 1)
    assert 1 <= answered(world, 401) <= 3
    assert (await credential(world)).paused_until is None


async def test_where_github_accepts_no_new_token_either_the_key_pauses(world: World) -> None:
    world.fault(Kind.BAD_CREDENTIALS, times=0)
    await due(world)
    for _ in range(40):
        await world.deliver(only_if_due=True)
        world.clock.advance(1)
    assert minted(world) == 2
    assert answered(world, 401, last=STATUSES) <= 8
    assert (await credential(world)).pause_reason == Reason.BAD_CREDENTIALS
    world.github.script.clear()
    world.clock.advance(60)
    await world.deliver(only_if_due=True)
    assert world.held() == ["success"]


async def test_a_wrong_key_is_said_in_one_sentence_and_pauses_those_who_have_it(world: World) -> None:
    await due(world, "docs/sphinx", "docs/other")
    wrong = await as_app(world, key=key_pair(1)[0])
    refused = outcome_of(await world.deliver(by=wrong))
    said = f"GitHub does not accept the private key of the App {CLIENT_ID}: A JSON web token could not be decoded"
    assert refused == Throttled(Reason.BAD_CREDENTIALS, said)
    assert "\n" not in await last_error(world)
    assert (await credential(world)).pause_reason == Reason.BAD_CREDENTIALS
    asked = len(world.github.requests.seen)
    assert isinstance(await world.deliver("docs/other", by=wrong), Busy)
    assert len(world.github.requests.seen) == asked
    await world.deliver()
    assert (world.held(), world.posts() - minted(world)) == (["success"], 1)


REFUSALS: dict[str, tuple[dict[str, object], Reason, str]] = {
    "suspended": ({"suspended": True}, Reason.SUSPENDED, "for acme/site is suspended"),
    "not granted": ({"permissions": {"contents": "read"}}, Reason.NOT_GRANTED, "*statuses: write* on acme/site"),
    "not approved": ({"permissions": {"statuses": "read"}}, Reason.NOT_GRANTED, "has not approved that yet"),
    "not selected": ({"repositories": ["acme/else"]}, Reason.NOT_INSTALLED, "is not installed on acme/site"),
    "uninstalled": ({}, Reason.NOT_INSTALLED, "is not installed on acme/site"),
}


def change(world: World, why: str) -> None:
    fields = REFUSALS[why][0]
    if fields:
        world.github.apps.change(7, **fields)
    else:
        world.github.apps.uninstall(7)


def heal(world: World) -> None:
    world.github.apps.apps[0].installations = [installation()]


@pytest.mark.parametrize("why", REFUSALS)
async def test_without_a_token_a_report_stays_due_with_its_reason_and_goes_on_by_itself(world: World, why: str) -> None:
    _, reason, words = REFUSALS[why]
    change(world, why)
    await due(world)
    refused = outcome_of(await world.deliver())
    assert isinstance(refused, NoToken)
    assert refused.reason is reason
    assert words in refused.why
    assert (await last_error(world)).startswith(f"{reason}: ")
    world.clock.advance(2 * HOUR.total_seconds())
    await world.deliver()
    assert ((await world.phases())["success"], world.held(), minted(world)) == (Phase.DUE, [], 0)
    assert (await credential(world)).paused_until is None
    heal(world)
    await world.reconcile(passes=3, every=HOUR.total_seconds())
    assert world.held() == ["success"]


@pytest.mark.parametrize("why", REFUSALS)
async def test_what_changes_while_a_token_lives_is_said_by_the_next_token(world: World, why: str) -> None:
    await due(world, "docs/first", "docs/sphinx")
    await world.deliver("docs/first")
    change(world, why)
    world.clock.advance(60)
    for token in world.github.apps.tokens.values():
        allowed = REFUSALS[why][0].get("permissions")
        token.permissions = allowed if isinstance(allowed, dict) else token.permissions
    assert isinstance(outcome_of(await world.deliver()), StaleToken)
    refused = outcome_of(await world.deliver())
    assert isinstance(refused, NoToken)
    assert refused.reason is REFUSALS[why][1]
    heal(world)
    await world.reconcile(passes=3, every=HOUR.total_seconds())
    assert world.held() == ["success"]


async def test_a_refusal_that_the_next_token_meets_as_well_is_the_reports(world: World) -> None:
    world.fault(Kind.FORBIDDEN, times=0)
    await due(world)
    assert isinstance(outcome_of(await world.deliver()), StaleToken)
    refused = outcome_of(await world.deliver())
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.NO_PERMISSION
    assert minted(world) == 2


async def test_a_refusal_to_make_a_token_is_not_asked_about_again_for_half_a_minute(world: World) -> None:
    contexts = [f"docs/{number}" for number in range(20)]
    await due(world, *contexts)
    change(world, "suspended")
    for context in contexts:
        await world.deliver(context)
    assert answered(world, 403, last="access_tokens") == 1
    world.clock.advance(30)
    await world.deliver(contexts[0])
    assert answered(world, 403, last="access_tokens") == 2


@pytest.mark.parametrize("minutes", [-60, -9, 2, 60])
async def test_a_clock_that_is_wrong_signs_with_githubs_own_time(world: World, minutes: int) -> None:
    await due(world)
    off = await as_app(world, now=lambda: world.clock.now + timedelta(minutes=minutes))
    await world.deliver(by=off)
    assert (world.held(), minted(world)) == (["success"], 1)


async def test_where_githubs_time_does_not_help_the_clock_is_named(world: World) -> None:
    words = "'Expiration time' claim ('exp') is too far in the future"
    body = {"message": words, "documentation_url": "https://docs.github.com/rest", "status": "401"}
    world.fault(Kind.ANSWER, status=401, body=body, method="GET", endpoint="installation", times=0)
    await due(world)
    refused = outcome_of(await world.deliver())
    assert refused == NoToken(f"GitHub refuses the time of the App {CLIENT_ID}'s request: {words}", Reason.CLOCK_SKEW)


async def test_a_renamed_repository_is_followed_by_its_number(world: World) -> None:
    world.github._github.rules = Rules(renamed={"acme/site": "acme/new-site"})
    await due(world)
    await world.deliver()
    assert [(one.repository, one.state) for one in world.github.store.held()] == [("acme/new-site", "success")]
    (token,) = world.github.apps.tokens.values()
    assert token.repositories == ["acme/new-site"]


async def test_a_repository_that_moved_to_an_account_without_the_app_is_not_installed(world: World) -> None:
    world.github._github.rules = Rules(renamed={"acme/site": "elsewhere/site"})
    await due(world)
    refused = outcome_of(await world.deliver())
    assert isinstance(refused, NoToken)
    assert refused.reason is Reason.NOT_INSTALLED


async def test_an_app_that_was_installed_anew_is_found_again(world: World) -> None:
    await due(world, "docs/first", "docs/sphinx")
    await world.deliver("docs/first")
    world.github.apps.apps[0].installations = [installation(8)]
    world.clock.advance(60)
    assert isinstance(outcome_of(await world.deliver()), StaleToken)
    await world.deliver()
    assert world.held() == ["success"]
