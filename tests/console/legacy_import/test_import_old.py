"""`reportback import`: what is taken over from the old system's folder, what is listed, and what is never shown."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ledger_jobs import SHA, order, run_job
from shell import Shell
from sqlalchemy import make_url
from sqlmodel import func, select
from world import World

import cli
from console.legacy_import.import_old import import_old
from console.reconcile import reconcile_now
from domain.delivery.report import RecordedReport
from fake_github.process import StandIn
from storage.jobs import jobs
from storage.models import Job, StatusReport

CANARY = "ghp_canary00000000000000000000000000000000"


def job(name: str, minute: int = 0, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # whatever JSON holds
    """A job as the old system wrote it; a context of its own unless *fields* say otherwise."""
    github = {"owner": "acme", "repo": "site", "sha": SHA, "token": CANARY, "context": f"docs/{name}"}
    github |= fields.pop("github", {})
    return {
        "id": name, "type": "fetch-all", "status": "completed", "createdAt": f"2026-11-23T10:{minute:02}:00.000Z",
        "completedAt": "2026-11-23T11:00:00.000Z", "result": {"success": True, "output": "41 pages"},
        "githubStatusReported": False, "github": github,
    } | fields  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "jobs"
    made.mkdir()
    return made


def put(folder: Path, name: str, document: object) -> None:
    (folder / name).write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def imported(folder: Path, *, is_dry_run: bool = False, as_json: bool = False) -> int:
    return await import_old(folder, is_dry_run=is_dry_run, as_json=as_json)


async def dispositions(folder: Path, shell: Shell, *, is_dry_run: bool = False) -> dict[str, tuple[str, str]]:
    """What became of each job, by its name, or else its file's; and why."""
    await imported(folder, is_dry_run=is_dry_run, as_json=True)
    return {one["old_job"] or one["file"]: (one["what"], one["why"]) for one in shell.json()}


async def count(world: World, table: type[Job | StatusReport]) -> int:
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(func.count()).select_from(table)).one()


def an_installation(folder: Path) -> None:
    """One context with three jobs, and one of each kind beside."""
    shared = {"context": "docs/shared"}
    put(folder, "jobs.json", {"jobs": [job("first", 1, github=shared), job("third", 3, github=shared)]})
    put(folder, "second.json", job("second", 2, github=shared, status="failed", result={"error": "no page 12"}))
    put(folder, "failed.json", job("failed", status="failed", result={"error": "no page 12"}))
    put(folder, "running.json", job("running", status="running", completedAt=None))
    put(folder, "reported.json", job("reported", githubStatusReported=True))
    put(folder, "nowhere.json", {**job("nowhere"), "github": None})
    put(folder, "bad.json", job("bad", github={"sha": "abc1234"}))
    put(folder, "odd.json", job("odd", status="exploded"))
    put(folder, "cut.json", '{"id": "cut", "github": {"token": "' + CANARY)


async def test_an_owed_report_is_on_github_once_after_any_number_of_imports(
    world: World, shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    an_installation(folder)
    for _ in range(2):
        assert await imported(folder) == 1
        assert await reconcile_now() == 0
    shell.heard()
    held = sorted((one["context"], one["state"], one["description"]) for one in await stand_in.statuses())
    assert held == [("docs/failed", "failure", "no page 12"), ("docs/shared", "success", "succeeded in 57 min")]
    assert await count(world, Job) == 2


async def test_each_job_is_listed_with_its_disposition_and_reason(world: World, shell: Shell, folder: Path) -> None:
    an_installation(folder)
    expected = {
        "third": ("queued", ""),
        "failed": ("queued", ""),
        "first": ("newer", "third in jobs.json supersedes it"),
        "second": ("newer", "third in jobs.json supersedes it"),
        "running": ("unfinished", "it was not finished: start it again"),
        "reported": ("reported", "the old system has reported it"),
        "nowhere": ("no_target", "it reports nowhere"),
        "bad": ("bad", "github.sha: String should match pattern '^[0-9a-fA-F]{40}$'"),
        "odd": ("bad", "status: Input should be 'pending', 'running', 'completed', 'failed' or 'cancelled'"),
        "cut.json": ("bad", "not readable as JSON"),
    }
    assert await dispositions(folder, shell, is_dry_run=True) == expected
    assert await count(world, Job) == 0
    assert await dispositions(folder, shell) == expected
    again = {
        name: ("known", "imported before") if what == "queued" else (what, why)
        for name, (what, why) in expected.items()
    }
    assert await dispositions(folder, shell, is_dry_run=True) == await dispositions(folder, shell) == again


async def test_a_person_reads_a_table_and_what_comes_next(shell: Shell, folder: Path) -> None:
    put(folder, "a.json", job("a", github={"token": ""}))
    assert await imported(folder, is_dry_run=True) == 0
    row = "file job commit state what why a.json a acme/site 3f2a91c docs/a success queued"
    assert shell.said() == f"{row} Reports that would be due: 1. Nothing was changed."
    assert await imported(folder) == 0
    assert shell.heard()[0].endswith("delivers them.\n")


async def test_a_file_with_a_token_in_it_is_named_and_the_token_goes_nowhere(
    world: World, shell: Shell, stand_in: StandIn, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    put(folder, "clean.json", job("clean", github={"token": ""}))
    put(
        folder, "with.json",
        job(
            f"id-{CANARY}", status="failed", result={"error": f"git clone https://x:{CANARY}@github.com: {CANARY}"},
            github={"context": f"docs/{CANARY}", "targetUrl": f"https://docs.example.com/?t={CANARY}"},
        ),
    )  # fmt: skip
    put(folder, "bad.json", job("bad", github={"sha": CANARY}, type=CANARY))
    put(folder, "cut.json", '{"github": {"token": "' + CANARY)
    before = contents(folder)
    heard = []
    for as_json in (False, True):
        assert await imported(folder, as_json=as_json) == 1
        heard.append(shell.heard())
    assert await reconcile_now() == 0
    heard.append(shell.heard())
    named = heard[0][1].splitlines()
    assert named[0].startswith("These files hold a token. Revoke it on GitHub, then delete the file")
    assert named[1:] == [str(folder / name) for name in ("bad.json", "cut.json", "with.json")]
    ledger = Path(make_url(os.environ["REPORTBACK_DATABASE_URL"]).database or "")
    dump = repr([data for path, data in contents(ledger.parent).items() if path.name.startswith(ledger.name)])
    assert "docs/clean" in dump
    on_github = json.dumps(await stand_in.statuses())
    assert "docs/clean" in on_github
    for place in (repr(heard), caplog.text, on_github, dump):
        assert "canary" not in place
    assert contents(folder) == before
    assert await count(world, Job) == 2


async def test_a_file_that_is_no_plain_json_is_listed_and_not_read(shell: Shell, folder: Path, tmp_path: Path) -> None:
    put(tmp_path, "outside.json", job("outside"))
    (folder / "link.json").symlink_to(tmp_path / "outside.json")
    os.mkfifo(folder / "pipe.json")
    (folder / "folder.json").mkdir()
    (folder / "below").mkdir()
    put(folder / "below", "deep.json", job("deep"))
    put(folder, "jobs.json.tmp", job("half"))
    put(folder, "empty.json", [])
    assert await dispositions(folder, shell, is_dry_run=True) == {
        "link.json": ("bad", "cannot be read: no plain file"),
        "pipe.json": ("bad", "cannot be read: no plain file"),
        "folder.json": ("bad", "cannot be read: no plain file"),
    }


async def test_a_crash_in_the_middle_is_finished_by_the_next_import(
    world: World, shell: Shell, stand_in: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        put(folder, f"{number}.json", job(str(number)))
    report, taken = jobs.report, []

    def dies(*args: Any, **rest: Any) -> RecordedReport | None:  # noqa: ANN401  # handed on
        taken.append(report(*args, **rest))
        if len(taken) == 3:
            raise KeyboardInterrupt  # before the third is committed
        return taken[-1]

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "report", dies)
        with pytest.raises(KeyboardInterrupt):
            await imported(folder)
    assert await count(world, Job) == 2
    found = await dispositions(folder, shell)
    assert sorted(str(what) for what, _ in found.values()) == ["known", "known", "queued", "queued"]
    assert await reconcile_now() == 0
    assert sorted(str(one["context"]) for one in await stand_in.statuses()) == [f"docs/{number}" for number in range(4)]


async def test_a_report_of_reportback_is_not_covered(
    world: World, shell: Shell, stand_in: StandIn, folder: Path
) -> None:
    await run_job(world.ledger, order("docs/a"))
    put(folder, "a.json", job("a", status="failed"))
    [(what, why)] = (await dispositions(folder, shell)).values()
    assert what == "newer"
    assert why == "the ledger has a job of this commit and context"
    await reconcile_now()
    assert [one["state"] for one in await stand_in.statuses() if one["context"] == "docs/a"] == []


async def test_a_repository_that_no_credential_is_for_is_said(
    shell: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", '{"other/*": "env:TOKEN"}')
    put(folder, "a.json", job("a"))
    [(what, why)] = (await dispositions(folder, shell)).values()
    assert what == "bad"
    assert why.startswith("REPORTBACK_CREDENTIALS names no credential for acme/site")


@pytest.mark.usefixtures("world")
async def test_a_folder_without_jobs_is_said_and_one_that_is_none_refused(shell: Shell, folder: Path) -> None:
    assert await imported(folder) == 1
    assert shell.heard()[0].startswith("No job in ")
    assert await imported(folder / "none") == 2
    assert shell.heard() == ("", f"reportback: {folder / 'none'}: No such file or directory\n")


@pytest.mark.usefixtures("world")
def test_it_is_a_command_of_its_own(shell: Shell, folder: Path) -> None:
    put(folder, "a.json", job("a", github={"token": ""}))
    with pytest.raises(SystemExit) as ended:
        cli.app(["import", str(folder), "--dry-run"])
    assert ended.value.code == 0
    assert "Reports that would be due: 1." in shell.said()
    for words in (["import"], ["import", str(folder), "--force"]):
        with pytest.raises(SystemExit) as refused:
            cli.app(words)
        assert refused.value.code != 0
