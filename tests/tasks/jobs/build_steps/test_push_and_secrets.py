"""Pushes what a build changed; of its credentials and secrets, nothing shows."""

import asyncio
from collections.abc import Mapping
from uuid import uuid4

import pytest
from build_rig import PUSH, TOKEN, BuildRig
from cancelling import STOPS, stop
from ledger_jobs import CREDENTIAL
from processes import names_in
from waiting import block_until

from domain.jobs.job_states import JobState
from tasks.jobs.keep_output import NEWEST


async def test_a_failed_jobs_changes_are_not_pushed(rig: BuildRig) -> None:
    head = rig.origin.head("main")
    await rig.run("echo new > docs/page.md; exit 1", push=PUSH)
    await rig.run("echo new > docs/page.md; kill -9 $$", push=PUSH)
    await rig.run("echo new > docs/page.md; sleep 60", push=PUSH, timeout=0.5)
    assert rig.origin.head("main") == head


async def test_a_refused_push_is_an_error_and_a_retry_pushes_once(rig: BuildRig) -> None:
    hook = rig.origin.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'error: GH006: Protected branch update failed' >&2\nexit 1\n")
    hook.chmod(0o755)
    job, script = uuid4(), "echo new > docs/page.md"
    ended = await rig.run(script, job=job, output="docs", push=PUSH)
    assert ended.state is JobState.CRASHED
    assert ended.summary == "push failed: remote: error: GH006: Protected branch update failed"
    assert (await rig.links())[-1] == ("error", rig.commit_page)
    assert names_in(rig.outputs) == [NEWEST, str(job)]
    hook.unlink()
    again = await rig.run(script, job=job, output="docs", push=PUSH)
    assert again.state is JobState.SUCCEEDED
    assert len(rig.origin.history("main")) == 2


async def test_a_job_executed_again_after_its_push_pushes_nothing_twice(rig: BuildRig) -> None:
    """As after a death between the push and the job's end."""
    sha, script = rig.origin.head("main"), "echo new > docs/page.md"
    await rig.run(script, sha=sha, push=PUSH)
    pushed = rig.origin.head("main")
    ended = await rig.run(script, sha=sha, push=PUSH)
    assert ended.state is JobState.SUCCEEDED
    assert rig.lines[-1] == "Reportback: nothing to push: nothing has changed"
    assert rig.origin.head("main") == pushed != sha


async def test_without_its_token_a_push_is_an_error(rig: BuildRig) -> None:
    del rig.world.tokens["env:PUSH"]
    ended = await rig.run("echo new > docs/page.md", push=PUSH)
    assert (ended.state, ended.summary) == (JobState.CRASHED, "push failed: env:PUSH has no token")


async def test_a_commit_that_needs_a_credential_which_cannot_be_read_says_so_on_the_commit(
    rig: BuildRig, logged: list[str]
) -> None:
    del rig.world.tokens[CREDENTIAL]
    ended = await rig.run("true", sha="0" * 40)
    assert ended.state is JobState.CRASHED
    lacking = f"credential {CREDENTIAL} cannot be read; without it: cannot check out 000000000000: "
    assert ended.summary.startswith(lacking)
    assert logged == [f"{CREDENTIAL} has no token"]


async def test_a_public_commit_needs_no_credential(rig: BuildRig) -> None:
    del rig.world.tokens[CREDENTIAL]
    assert (await rig.run("true")).state is JobState.SUCCEEDED


async def test_an_error_around_the_command_shows_no_secrets_and_paths(
    rig: BuildRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of-the-jobs-own")
    ended = await rig.run(
        "mkdir docs/$A_SECRET; git init -q docs/$A_SECRET", env=["A_SECRET"], push={**PUSH, "branch": "main"}
    )
    assert ended.summary == "push failed: docs/*** is a repository of its own"
    ended = await rig.run("true", prepare=[{"command": ["/srv/tools/install"]}])
    assert ended.summary == (
        "preparation failed: cannot start '…/install': not found; install it where the worker runs, or correct the "
        "job's command"
    )


async def test_the_command_sees_nothing_of_the_pushing_credential(rig: BuildRig) -> None:
    await rig.run("env; tr '\\0' '\\n' < /proc/$PPID/environ; echo new > docs/page.md", push=PUSH)
    assert TOKEN not in "".join(rig.lines)
    assert "PUSH" not in {line.partition("=")[0] for line in rig.lines}


async def test_no_token_that_is_used_for_a_job_shows_in_its_output(rig: BuildRig) -> None:
    ended = await rig.run(f"echo 'error: {TOKEN}, {rig.world.tokens[CREDENTIAL]}'; exit 1", push=PUSH)
    assert ended.summary == "exit code 1: error: ***, ***"
    assert rig.lines == ["error: ***, ***"]


class Noting(dict[str, str]):
    """Tokens by credential, with a record of those that were read."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        super().__init__(tokens)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return super().__getitem__(name)


async def test_only_a_job_type_that_pushes_has_its_token_read(rig: BuildRig) -> None:
    rig.world.tokens = tokens = Noting(rig.world.tokens)
    await rig.run("echo new > docs/page.md")
    assert tokens.read == {CREDENTIAL}
    await rig.run("echo new > docs/page.md", push=PUSH)
    assert tokens.read == {CREDENTIAL, "env:PUSH"}


async def test_a_secret_too_short_to_be_hidden_is_refused_before_anything_runs(
    rig: BuildRig, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    ended = await rig.run("echo $DB_PASSWORD", env=["DB_PASSWORD"])
    assert (ended.state, rig.lines) == (JobState.CRASHED, [])
    assert ended.summary == "a variable that the job sees holds a secret too short to be hidden"
    (told,) = logged
    assert told.startswith("DB_PASSWORD has fewer than 8 characters: too few to be kept out of the output")


@STOPS
async def test_a_job_that_is_stopped_when_its_push_is_stored_has_succeeded(rig: BuildRig, how: str) -> None:
    hook = rig.origin.bare / "hooks" / "post-receive"
    hook.write_text(f"#!/bin/sh\ntouch {rig.folder}/holds; until [ -e {rig.folder}/go ]; do sleep 0.02; done\n")
    hook.chmod(0o755)
    others = asyncio.all_tasks()
    running = asyncio.create_task(rig.run("echo new > docs/page.md", push=PUSH))
    try:
        await asyncio.to_thread(block_until, (rig.folder / "holds").exists, within=60)
        stop(running, how, others)
        with pytest.raises(asyncio.CancelledError):
            await running
    finally:
        (rig.folder / "go").touch()
    assert rig.origin.files("main")["docs/page.md"] == "new"
    assert [state for state, _ in await rig.links()] == ["pending", "success"]
