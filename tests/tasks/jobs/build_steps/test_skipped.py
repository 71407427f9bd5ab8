"""Jobs with nothing to do: the command says so, or none of the paths that the job is for has changed."""

from dataclasses import replace
from typing import Any

import pytest
from build_rig import PUSH, BuildRig
from executions import Executions, ended_of
from git_host import git_host
from ledger_jobs import order
from repositories import git

from domain.jobs.job_states import JobState
from tasks.git import remote
from tasks.git.run_git import Git
from tasks.jobs.execution_spec import EndedExecution
from tasks.process.command import Finished

PARTIAL = "warning: This repository uses promisor remotes. Some objects may not be loaded."
DOCS = ["docs/**", "!docs/drafts/**"]


@pytest.mark.parametrize(
    ("script", "fields", "summary"),
    [
        ("echo building; echo no page has changed; exit 183", {}, "skipped: no page has changed"),
        ("exit 183", {}, "skipped: exit code 183"),
        ("echo; echo 'error: none'; echo all as before; exit 7", {"skip_codes": [7, 8]}, "skipped: all as before"),
    ],
)
async def test_a_command_that_has_nothing_to_do_is_skipped_and_nothing_is_kept_or_pushed(
    rig: BuildRig, script: str, fields: dict[str, Any], summary: str
) -> None:
    head = rig.origin.head("main")
    ended = await rig.run(f"mkdir site; echo changed > docs/page.md; {script}", output="site", push=PUSH, **fields)
    assert (ended.state, ended.summary) == (JobState.SUCCEEDED, summary)
    assert not rig.outputs.exists()
    assert rig.origin.head("main") == head
    assert (await rig.links())[-1] == ("success", rig.commit_page)


async def test_a_skip_code_that_is_a_success_is_one(rig: BuildRig) -> None:
    ended = await rig.run("mkdir site; exit 183", output="site", success_codes=[0, 183])
    assert ended.summary.startswith("succeeded")
    assert rig.outputs.exists()


async def test_no_skip_codes_make_each_other_code_a_failure(rig: BuildRig) -> None:
    assert (await rig.run("exit 183", skip_codes=[])).state is JobState.FAILED


async def run_since(rig: BuildRig, since: str, sha: str = "", **fields: object) -> EndedExecution:
    executions = Executions(rig.world, rig.lines)
    work = await executions.accept("echo it ran", order(sha=sha or rig.origin.head("main") or ""), **fields)
    return ended_of(await executions.carry_out(replace(rig.kept(work), since=since)))


@pytest.mark.parametrize(
    ("files", "is_skipped"),
    [
        ({"src_py": "x"}, True),
        ({"docs__drafts__a_md": "x"}, True),
        ({"docs__new_md": "x"}, False),
        ({"docs__page_md": "changed"}, False),
        ({"docs__page_md": None}, False),
        ({"src_py": "x", "docs__deep__er__a_md": "x"}, False),
        ({'docs__a "b\\c_md': "x"}, False),
        ({"docs__ä ö_md": "x"}, False),
    ],
)
async def test_a_job_is_skipped_if_none_of_its_paths_has_changed_since(
    rig: BuildRig, files: dict[str, str | None], *, is_skipped: bool
) -> None:
    since = rig.origin.commit("main", docs__drafts__old_md="old", docs__other_md="x")
    rig.origin.commit("main", **files)
    ended = await run_since(rig, since, paths=DOCS, prepare=[{"command": ["false"]}] if is_skipped else [])
    assert ended.state is JobState.SUCCEEDED
    assert ended.summary == ("skipped: no change in docs/** !docs/drafts/**" if is_skipped else ended.summary)
    assert ("it ran" in rig.lines) is not is_skipped


async def test_a_page_that_is_moved_away_has_changed(rig: BuildRig) -> None:
    since = rig.origin.head("main") or ""
    rig.origin.commit("main", docs__page_md=None, page_md="old")
    assert not (await run_since(rig, since, paths=DOCS)).summary.startswith("skipped")


@pytest.mark.parametrize("fields", [{}, {"paths": DOCS}])
async def test_without_a_commit_to_compare_with_or_paths_the_job_runs(rig: BuildRig, fields: dict[str, Any]) -> None:
    since = rig.origin.head("main") or ""
    rig.origin.commit("main", src_py="x")
    await run_since(rig, "" if fields else since, **fields)
    assert "it ran" in rig.lines


@pytest.mark.parametrize("since", ["1" * 40, "itself"])
async def test_a_job_that_cannot_be_compared_runs(rig: BuildRig, since: str, logged: list[str]) -> None:
    sha = rig.origin.commit("main", src_py="x")
    await run_since(rig, sha if since == "itself" else since, paths=DOCS)
    assert "it ran" in rig.lines
    assert any("not compared with 111111111111, and not skipped: " in line for line in logged) is (since != "itself")


async def test_the_commits_are_compared_after_one_fetch_without_a_file(
    rig: BuildRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = rig.origin.commit("main", docs__large_bin="x" * 100)
    sha = rig.origin.commit("main", src_py="y" * 100)
    git(rig.origin.bare, "config", "uploadpack.allowFilter", "true")
    fetched, kinds, real = list[str](), list[str](), remote.read

    async def seen(git: Git, *args: str, into_new: bool) -> Finished:
        fetched.append(args[0])
        done = await real(git, *args, into_new=into_new)
        await git.run("cat-file", "--batch-check=%(objecttype)", "--batch-all-objects", on_line=kinds.append)
        return done

    monkeypatch.setattr("tasks.git.checkout.read", seen)
    with git_host(rig.folder, rig.folder, "a-token") as host:
        host.is_public = True
        monkeypatch.setenv("GIT_SSL_CAINFO", str(host.certificate))
        executions = Executions(rig.world, rig.lines)
        work = await executions.accept("echo it ran", order(sha=sha), paths=DOCS)
        url = f"{host.url}/{rig.origin.bare.name}"
        ended = ended_of(await executions.carry_out(replace(rig.kept(work), since=since, clone_url=url)))
    assert (ended.summary[:8], fetched, {*kinds} - {PARTIAL}) == ("skipped:", ["fetch"], {"commit", "tree"})
