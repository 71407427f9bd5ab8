"""The demo's check of what GitHub holds, and the commit it builds."""

import subprocess
from pathlib import Path

import pytest
from repositories import commit, new_repository

from demo import source
from demo.main import BUILDS, CASES, FAILS, problem
from domain.jobs.jobs_file import parse_job_types


def held(*states: str) -> list[dict[str, str]]:
    return [{"state": state} for state in states]


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
    assert problem(BUILDS, held(*states)) == verdict


def test_a_job_that_fails_must_show_its_failure() -> None:
    assert problem(FAILS, held("pending", "failure")) is None
    assert problem(FAILS, held("pending", "success")) == "success instead of failure"


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
