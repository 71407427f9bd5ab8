"""What `reportback up` is for, and the command that it prints: decided before anything starts."""

import shlex
from pathlib import Path

import pytest
from repositories import commit, git, new_repository

from local.repository import remote
from local.up_plan import Plan, plan_of
from settings import ROOT

JOBS = "version = 1\n\n[jobs.handbook]\ncommand = ['true']\n"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_TOKEN", "CREDENTIALS", "CLONE_URL", "JOBS_FILE", "GITHUB_API_URL"):
        monkeypatch.delenv(f"REPORTBACK_{name}", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = new_repository(tmp_path / "hand book")
    commit(made, page_md="a page")
    (made / "jobs.toml").write_text(JOBS, encoding="utf-8")
    return made


def head(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")


def printed(plan: Plan) -> list[str]:
    """The words of the command that is printed, as a shell reads them."""
    return shlex.split(plan.command({"PREFECT_API_URL": "http://127.0.0.1:1/api"}).replace("\\\n", ""))


def with_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_GITHUB_TOKEN", "t")


def test_a_repository_of_ones_own_is_fetched_and_its_job_type_started(folder: Path) -> None:
    plan = plan_of(folder)
    assert (plan.is_real, plan.clone_url) == (False, folder.as_uri())
    assert plan.settings == {"REPORTBACK_JOBS_FILE": str(folder / "jobs.toml")}
    *_, program, submit, job_type, _, name, _, sha, wait = printed(plan)
    assert Path(program).is_absolute()
    assert (submit, job_type, name, sha, wait) == ("submit", "handbook", "local/hand-book", head(folder), "--wait")
    assert f"REPORTBACK_JOBS_FILE={folder}/jobs.toml" in printed(plan)


def test_a_repository_has_the_name_of_its_origin(folder: Path) -> None:
    git(folder, "remote", "add", "origin", "git@github.com:acme/handbook.git")
    assert "acme/handbook" in printed(plan_of(folder))


def test_a_required_option_is_in_the_command(folder: Path) -> None:
    option = "type = 'string'\nchoices = ['de', 'fr']\nrequired = true\nargs = ['{value}']\n"
    (folder / "jobs.toml").write_text(f"{JOBS}[jobs.handbook.options.language]\n{option}", encoding="utf-8")
    assert " ".join(printed(plan_of(folder))).endswith("-o language=de --wait")


def test_without_a_repository_it_is_this_checkout() -> None:
    plan = plan_of(None)
    assert (plan.clone_url, plan.jobs_file) == (ROOT.as_uri(), ROOT / "jobs.toml")


def test_the_clone_url_of_the_settings_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_CLONE_URL", str(folder))
    monkeypatch.setenv("REPORTBACK_JOBS_FILE", str(folder / "jobs.toml"))
    plan = plan_of(None)
    assert plan.clone_url == str(folder)
    assert head(folder) in printed(plan)


def test_a_clone_url_for_any_repository_leaves_the_repository_to_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_CLONE_URL", "file:///srv/git/{repository}.git")
    plan = plan_of(None)
    assert plan.clone_url == "file:///srv/git/{repository}.git"
    assert "--repo OWNER/NAME --sha COMMIT" in plan.command({})


def test_a_clone_url_that_git_cannot_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_CLONE_URL", str(tmp_path / "none"))
    with pytest.raises(ValueError, match="REPORTBACK_CLONE_URL names no repository"):
        plan_of(None)


@pytest.mark.parametrize("origin", [None, "git@gitlab.example.com:acme/handbook.git", "/srv/git/acme/handbook"])
def test_with_a_token_no_other_repository_is_ever_printed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, origin: str | None
) -> None:
    with_token(monkeypatch)
    assert "--repo OWNER/NAME --sha COMMIT" in plan_of(None).command({})
    if origin:
        git(folder, "remote", "add", "origin", origin)
    plan = plan_of(folder)
    assert "--repo OWNER/NAME --sha COMMIT" in plan.command({})
    assert "has no remote `origin` on github.com" in plan.example.words


def test_with_a_token_the_command_is_for_the_origin_and_says_if_its_commit_is_not_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_token(monkeypatch)
    git(folder, "remote", "add", "origin", "https://github.com/acme/handbook.git")
    plan = plan_of(folder)
    assert ["acme/handbook", "--sha", head(folder)] == printed(plan)[-4:-1]
    assert "NOT PUSHED yet" in plan.example.words
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert "NOT PUSHED" not in plan_of(folder).example.words


@pytest.mark.parametrize(
    ("jobs", "refusal"),
    [(None, "there is no .*jobs.toml: `reportback init --repo .*` writes one"), ("version = 2\n", "jobs.toml, line 1")],
)
def test_an_unusable_jobs_file_is_refused_before_anything_starts(folder: Path, jobs: str | None, refusal: str) -> None:
    (folder / "jobs.toml").unlink() if jobs is None else (folder / "jobs.toml").write_text(jobs, encoding="utf-8")
    with pytest.raises(ValueError, match=refusal):
        plan_of(folder)


def test_a_folder_without_a_commit_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ValueError, match="--repo names one"):
            plan_of(folder)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("git@github.com:acme/site.git", ("github.com", "acme/site")),
        ("https://github.com/acme/site", ("github.com", "acme/site")),
        ("https://ann:pw@GitHub.com/acme/site.git/", ("github.com", "acme/site")),
        ("ssh://git@ghe.example.com:2222/acme/site.git", ("ghe.example.com", "acme/site")),
        ("https://gitlab.com/a/b/c.git", ("gitlab.com", None)),
        ("/srv/git/acme/site", (None, None)),
        ("file:///srv/git/acme/site", (None, None)),
        ("", (None, None)),
    ],
)
def test_the_repository_of_a_remote(url: str, found: tuple[str | None, str | None]) -> None:
    assert remote(url) == found
