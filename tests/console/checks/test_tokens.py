"""`reportback doctor` compares the tokens that workers noted in the ledger with this shell's."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
from shell import TOKEN, Shell
from world import World

from console.checks import ledger, tokens
from console.checks.finding import Finding
from github_api.credentials import DEFAULT_CREDENTIAL, secret_behind
from settings import Settings
from storage.delivery import credentials, pauses
from storage.operations import worker_tokens
from tasks.operations.note_tokens import NO_WORKER, note_tokens, this_version

OLD = "ghp_anOldTokenThatWasRevoked000000000000"
ENV_CURE = "sudo systemctl restart reportback-worker-jobs reportback-worker-reconcile"


async def note(
    world: World,
    token: str | None,
    *,
    worker: str = "docs-1",
    version: str | None = None,
    name: str = DEFAULT_CREDENTIAL,
) -> None:
    secret = None if token is None else secret_behind(token)
    await world.ledger.write(worker_tokens.note, worker, version or this_version(), {name: secret})


async def examined(online: Collection[str] | None = ("docs-1",)) -> list[Finding]:
    _, facts = await ledger.check(Settings())
    assert facts
    return await tokens.check(Settings(), facts, online)


async def words_of(what: str, online: Collection[str] | None = ("docs-1",)) -> tuple[bool, str]:
    (finding,) = [one for one in await examined(online) if one.what == what]
    return finding.ok, finding.words


MINE = f"{DEFAULT_CREDENTIAL} of worker docs-1"


@pytest.fixture(autouse=True)
def _recently(world: World, shell: Shell) -> None:  # noqa: ARG001  # its settings name this ledger
    world.clock.now = datetime.now(UTC)


async def test_a_worker_with_this_shell_s_token_is_right(world: World) -> None:
    await note(world, TOKEN)
    ok, words = await words_of(MINE)
    assert (ok, words.partition(",")[0]) == (True, "the same token as this shell's")


async def test_a_worker_that_still_has_the_old_token_is_wrong_and_has_to_be_started_anew(world: World) -> None:
    await note(world, OLD)
    ok, words = await words_of(MINE)
    assert not ok
    assert words.startswith("is not this shell's token")
    assert ENV_CURE in words
    assert OLD not in words
    assert TOKEN not in words


async def test_a_worker_whose_token_github_refused_is_wrong(world: World) -> None:
    await note(world, OLD)
    await world.ledger.write(credentials.ensure, DEFAULT_CREDENTIAL)
    await world.ledger.write(
        lambda tx: pauses.refuse(tx, credentials.locked(tx, DEFAULT_CREDENTIAL), secret_behind(OLD), before=None)
    )
    ok, words = await words_of(MINE)
    assert (ok, words.startswith("GitHub refused the token that it has: renew")) == (False, True)


async def test_a_worker_without_a_token_is_wrong(world: World) -> None:
    await note(world, None)
    ok, words = await words_of(MINE)
    assert (ok, words.startswith("has no token. Set `REPORTBACK_GITHUB_TOKEN` to a valid token")) == (False, True)


async def test_a_secret_block_needs_no_worker_started_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", '{"*": "secret:acme"}')
    await note(world, None, name="secret:acme")
    ok, words = await words_of("secret:acme of worker docs-1")
    assert not ok
    assert "No worker has to be started anew" in words
    assert "systemctl" not in words


async def test_without_a_token_in_the_shell_there_is_nothing_to_compare(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await note(world, TOKEN)
    monkeypatch.delenv("REPORTBACK_GITHUB_TOKEN")
    ok, words = await words_of(MINE)
    assert (ok, "this shell has none to compare it with" in words) == (True, True)


async def test_a_worker_that_lacks_a_credential_of_this_shell_is_wrong(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await note(world, TOKEN)
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", '{"acme/*": "env:ACME", "*": "env:REPORTBACK_GITHUB_TOKEN"}')
    found = [one.words for one in await examined() if one.what == "worker docs-1" and not one.ok]
    assert [one.partition(",")[0] for one in found] == ["its REPORTBACK_CREDENTIALS does not name env:ACME"]


async def test_a_worker_of_another_version_is_wrong(world: World) -> None:
    await note(world, TOKEN, version="Reportback 0.0.1, Prefect 3.0.0")
    ok, words = await words_of("worker docs-1")
    assert not ok
    assert words.startswith("runs Reportback 0.0.1, Prefect 3.0.0 with this ledger, noted ")
    assert "start it anew" in words


async def test_a_worker_that_is_not_online_is_not_looked_at(world: World) -> None:
    await note(world, OLD, worker="gone")
    assert [one.what for one in await examined()] == ["worker docs-1"]


async def test_without_prefect_what_was_noted_lately_counts(world: World) -> None:
    await note(world, OLD)
    assert not (await words_of(MINE, online=None))[0]
    world.clock.now -= tokens.RECENT + timedelta(minutes=1)
    await note(world, OLD)
    assert await examined(online=None) == []


async def test_a_flow_run_notes_its_worker_and_tokens_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT__WORKER_NAME", "docs-1")
    await note_tokens(world.ledger, Settings())
    before = await world.ledger.read(worker_tokens.noted)
    assert (await words_of(MINE))[0]
    world.clock.advance(60)
    await note_tokens(world.ledger, Settings())
    assert await world.ledger.read(worker_tokens.noted) == before
    monkeypatch.setenv("REPORTBACK_GITHUB_TOKEN", OLD)
    await note_tokens(world.ledger, Settings())
    (after,) = await world.ledger.read(worker_tokens.noted)
    assert after.fingerprint != before[0].fingerprint


async def test_a_process_that_serves_deployments_notes_its_machine(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT__WORKER_NAME", raising=False)
    await note_tokens(world.ledger, Settings())
    assert [one.what for one in await examined(online=()) if one.what.startswith(f"worker {NO_WORKER}")]
