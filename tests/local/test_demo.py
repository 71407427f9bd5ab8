"""The demo's check of what GitHub holds, what it tells, and the commit it builds."""

import io
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from repositories import commit, new_repository
from rich.console import Console

from demo import source
from demo.cases import BUILDS, CASES, FAILS, LOST, Case, problem, requests_used
from demo.story import Story, words
from domain.delivery.report import EventKind
from domain.delivery.target import StatusState
from domain.jobs.jobs_file import parse_job_types
from storage.operations.job_history import TargetEvent


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        (("pending", "success"), None),
        (("success",), None),  # its pending was overtaken
        ((), "the outcome is missing"),
        (("pending",), "the outcome is missing"),
        (("pending", "success", "success"), "doubled: pending, success, success"),
        (("pending", "pending", "success"), "doubled: pending, pending, success"),
        (("pending", "failure", "success"), "doubled: pending, failure, success"),
        (("success", "pending"), "`pending` covers the outcome"),
        (("pending", "error"), "error instead of success"),
    ],
)
def test_only_the_one_right_outcome_on_top_is_right(states: tuple[str, ...], verdict: str | None) -> None:
    assert problem(BUILDS, states) == verdict


def test_a_job_that_fails_must_show_its_failure() -> None:
    assert problem(FAILS, ["pending", "failure"]) is None
    assert problem(FAILS, ["pending", "success"]) == "success instead of failure"


def test_each_case_has_a_context_of_its_own_and_a_job_that_the_demo_declares() -> None:
    jobs = Path(source.__file__).with_name("jobs.toml")
    declared = parse_job_types(jobs.read_text(encoding="utf-8"), str(jobs))
    assert {case.job for case in CASES} <= declared.keys()
    assert len({case.context for case in CASES}) == len(CASES)


def head_of(url: str) -> str:
    done = subprocess.run(["git", "ls-remote", url, "HEAD"], check=True, capture_output=True, text=True)
    return done.stdout.split()[0]


def test_a_checkout_that_came_without_git_is_committed_without_what_is_no_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "came-as-an-archive"
    (root / ".venv").mkdir(parents=True)
    (root / ".venv" / "big").touch()
    (root / "docs").mkdir()
    (root / "docs" / "index.md").write_text("# A page\n", encoding="utf-8")
    monkeypatch.setattr(source, "ROOT", root)
    monkeypatch.setenv("HOME", str(tmp_path))
    url, sha = source.commit(tmp_path)
    assert head_of(url) == sha
    listed = subprocess.run(
        ["git", "-C", url.removeprefix("file://"), "ls-files"], check=True, capture_output=True, text=True
    )
    assert listed.stdout.split() == ["docs/index.md"]
    assert not (root / ".git").exists()


def test_a_checkout_with_git_is_built_as_it_is_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(new_repository(tmp_path), page_md="a page")
    monkeypatch.setattr(source, "ROOT", tmp_path)
    url, sha = source.commit(tmp_path / "unused")
    assert url == tmp_path.as_uri()
    assert head_of(url) == sha


def told(kind: EventKind, http_status: int | None = None, actor: str = "task of a") -> str:
    found = words(TargetEvent(1, LOST.context, StatusState.SUCCESS, kind, actor, http_status))
    return found[1] if found else ""


def test_a_lost_reply_and_what_reading_back_found_are_told() -> None:
    assert told(EventKind.UNKNOWN).startswith("(c) the reply to `success` is lost")
    assert "answers 503" in told(EventKind.UNKNOWN, 503)
    assert "it is not sent again" in told(EventKind.FOUND)
    assert told(EventKind.DELIVERED, actor="reconciliation").endswith("sent by the reconciliation")
    assert not told(EventKind.CLAIMED)


def test_the_requests_are_counted_by_what_they_were_for() -> None:
    def seen(method: str, stored_id: int | None = None, fault: str | None = None) -> dict[str, object]:
        return {"method": method, "stored_id": stored_id, "fault": fault}

    requests = [
        seen("POST", 1), seen("POST", 2, "close"), seen("POST", None, "server_error"), seen("GET"),
        seen("GET", None, "server_error"),
    ]  # fmt: skip
    used = requests_used(requests)
    assert used.startswith("5 requests to GitHub: 2 stored a status (1 of them without a reply), 1 were sent while")
    assert "2 asked what it has before anything was sent again (1 of them while it was away)" in used


def printed(width: int, held: dict[Case, list[str]], *, is_terminal: bool = False) -> tuple[str, bool]:
    out = io.StringIO()
    story = Story(Console(file=out, width=width, force_terminal=is_terminal, highlight=False))
    story.introduce()
    story.say("(c) " + "words of one line that are wrapped " * 5, symbol="✓")
    return out.getvalue(), story.results(held, dict.fromkeys(CASES, 2))


RIGHT = {case: ["pending", case.outcome] for case in CASES}


@given(st.integers(min_value=40, max_value=200))
def test_the_demo_is_wrapped_at_words_at_any_width_and_plain_in_a_pipe(width: int) -> None:
    text, is_right = printed(width, RIGHT)
    assert is_right
    assert all(len(line) <= width and line == line.rstrip() for line in text.splitlines())
    assert {"documentation", "commit", "machine", "wrapped"} <= {*text.replace(",", " ").replace(".", " ").split()}
    assert not {"\x1b", "✓"} & {*text}


def test_a_terminal_has_colour_and_symbols() -> None:
    assert {"\x1b"} <= {*printed(80, RIGHT, is_terminal=True)[0]}


def test_one_wrong_case_makes_the_whole_wrong() -> None:
    assert not printed(80, RIGHT | {LOST: ["success", "success"]})[1]
