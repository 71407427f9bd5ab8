"""`reportback credentials`: lists pauses, budgets and refused secrets for each credential."""

from datetime import UTC, datetime, timedelta

import pytest
from shell import TOKEN, Shell, recorded
from sqlmodel import update
from world import World

from console.credentials import credentials, pause, rate, resume
from fake_github.faults import Kind
from github_api.credentials import DEFAULT_CREDENTIAL
from storage.delivery.availability import Busy
from storage.models import Credential
from storage.operations.credential_usage import CredentialUsage

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)


async def test_each_credential_is_listed_without_its_secret(
    world: World, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", '{"acme/*": "secret:acme", "*": "env:REPORTBACK_GITHUB_TOKEN"}')
    monkeypatch.setenv("REPORTBACK_WRITE_BUDGET", "80/min,500/h")
    await recorded(world, "docs/old", credential="env:OLD")
    await recorded(world, "docs/a", Kind.CLOSE)
    await credentials(as_json=False)
    out, _ = shell.heard()
    assert [" ".join(line.split()) for line in out.splitlines()] == [
        "credential pauses left at GitHub posts/min posts/h undelivered",
        "env:OLD (not in the settings) no not known 0 of 80 0 of 500 1",
        "env:REPORTBACK_GITHUB_TOKEN no not known 0 of 80 0 of 500 1",
        "secret:acme no not known 0 of 80 0 of 500 0",
    ]
    assert TOKEN not in out


async def test_a_program_gets_the_same(world: World, shell: Shell) -> None:
    await recorded(world, "docs/a")
    until = datetime.now(UTC) + timedelta(minutes=5)
    with world.ledger.transaction() as tx:
        tx.session.exec(update(Credential).values(paused_until=until, pause_reason="bad_credentials"))
    await credentials(as_json=True)
    assert shell.json() == [
        {
            "credential": "env:REPORTBACK_GITHUB_TOKEN", "configured": True, "paused_until": until.isoformat(),
            "pause_reason": "bad_credentials", "rate_limit": None, "rate_remaining": None, "rate_reset_at": None,
            "posts_last_minute": 0, "budget_per_minute": None, "posts_last_hour": 0, "budget_per_hour": None,
            "undelivered": 1,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (CredentialUsage("a"), "no"),
        (CredentialUsage("a", SOON, "rate_limited"), "rate_limited: until 12:05:00 UTC, in 5 min"),
        (CredentialUsage("a", NOW, "rate_limited"), "rate_limited: over; the next request decides"),
    ],
)
def test_a_pause_is_shown_until_an_answer_ends_it(one: CredentialUsage, words: str) -> None:
    assert pause(one, NOW) == words


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (CredentialUsage("a"), "not known"),
        (CredentialUsage("a", None, None, 5000, 17, SOON), "17 of 5000, anew in 5 min"),
        (CredentialUsage("a", None, None, 5000, 17, NOW), "5000 of 5000"),
    ],
)
def test_the_rate_is_githubs_last_word_until_its_hour_is_over(one: CredentialUsage, words: str) -> None:
    assert rate(one, NOW) == words


@pytest.mark.parametrize("kind", [Kind.BAD_CREDENTIALS, Kind.SECONDARY_LIMIT])
async def test_a_pause_ended_by_hand_names_the_operator(
    world: World, shell: Shell, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "alice")
    world.tokens[DEFAULT_CREDENTIAL] = TOKEN
    await recorded(world, "docs/a", kind)
    assert isinstance(await world.deliver("docs/a"), Busy)
    await resume(DEFAULT_CREDENTIAL)
    out, err = shell.heard()
    assert out.startswith(f"{DEFAULT_CREDENTIAL} goes on with the next try: its pauses were ended by alice")
    assert f"credential={DEFAULT_CREDENTIAL} actor=alice" in err
    await world.deliver("docs/a")
    assert world.held("docs/a") == ["success"]


@pytest.mark.usefixtures("shell")
async def test_a_name_that_is_none_is_refused_with_those_that_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", '{"acme/*": "secret:acme"}')
    await recorded(world, "docs/old", credential="env:OLD")
    with pytest.raises(ValueError, match=r"credential env:NONE: there is none; credentials: env:OLD, secret:acme$"):
        await resume("env:NONE")
    with pytest.raises(ValueError, match="credential secret:acme: it has not been used yet"):
        await resume("secret:acme")
