"""Decides what `reportback up` runs: the repository, its job types, a GitHub; refuses before anything starts."""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from console.job_types.listing import needed
from console.refusals.door import checked_settings, checked_types
from domain.jobs.job_type import JobType
from domain.text import cut
from local.repository import JOBS_FILE, NoRepository, git, remote, repository_at
from settings import ROOT, Settings

REAL = ("REPORTBACK_GITHUB_TOKEN", "REPORTBACK_CREDENTIALS")
"""With one of these set, statuses go to GitHub."""
CLONE_URL, JOBS_SETTING = "REPORTBACK_CLONE_URL", "REPORTBACK_JOBS_FILE"
SHORT_SUBJECT = 60


@dataclass(frozen=True, slots=True)
class Example:
    """The commit of a job that can be started: its repository as owner/name, or why none is known."""

    repository: str = "OWNER/NAME"
    sha: str = "COMMIT"
    words: str = ""

    @property
    def is_known(self) -> bool:
        """Whether its command works as it is."""
        return self.sha != "COMMIT"


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` runs. `clone_url`: where the stand-in's commits are fetched from."""

    is_real: bool
    clone_url: str
    jobs_file: Path
    types: Mapping[str, JobType]
    example: Example

    @property
    def settings(self) -> dict[str, str]:
        """Settings of the flows that differ from this process's."""
        return {JOBS_SETTING: str(self.jobs_file)}

    def command(self, variables: Mapping[str, str]) -> str:
        """A command that starts the first job type that needs no value of a person's choice, for a shell anywhere."""
        chosen = min(self.types.values(), key=lambda one: len(needed(one)))
        env = (
            {**variables, JOBS_SETTING: shlex.quote(str(self.jobs_file))}
            if self.jobs_file != ROOT / JOBS_FILE
            else variables
        )
        called = [*(f"{name}={value}" for name, value in env.items()), shlex.quote(reportback()), "submit", chosen.name]
        about = ["--repo", self.example.repository, "--sha", self.example.sha, *map(shlex.quote, needed(chosen))]
        return f"{' '.join(called)} \\\n      {' '.join(about)} --wait"


def reportback() -> str:
    """The path of the `reportback` command of this Python."""
    return str(Path(sys.executable).parent / "reportback")


def plan_of(repo: Path | None) -> Plan:
    """The plan for the repository in the folder *repo*, or for what the settings name.

    Raises:
        ValueError: a setting, the repository or its jobs.toml cannot be used.
    """
    settings = checked_settings()
    is_real = any(os.environ.get(name) for name in REAL)
    own = repository_at(repo) if repo else None
    jobs_file = own.folder / JOBS_FILE if own and not os.environ.get(JOBS_SETTING) else settings.jobs_file
    own_file = f"`reportback init --repo {shlex.quote(str(repo))}` writes one"
    types = checked_types(settings, jobs_file, own_file) if repo else checked_types(settings, jobs_file)
    if repo or is_real or not os.environ.get(CLONE_URL):
        clone_url = (own.folder if own else ROOT).as_uri()
        example = _of_folder(repo or (None if is_real else ROOT), settings if is_real else None)
    else:
        clone_url = settings.clone_url
        example = _of_url(clone_url)
    return Plan(is_real, clone_url, jobs_file, types, example)


def _of_folder(folder: Path | None, github: Settings | None) -> Example:
    """The latest commit of the repository in *folder*. *github*: it must be there; None: a stand-in has everything."""
    if folder is None:
        return Example(words="`--repo FOLDER` names a repository of yours; this then prints a command for it")
    try:
        own = repository_at(folder)
    except NoRepository:
        if github is None and folder == ROOT:  # came as an archive
            return Example(words="`--repo FOLDER` names a git repository of yours; this then prints a command for it")
        raise
    words = f"{own.folder}, commit {own.sha[:12]}: {cut(own.subject, SHORT_SUBJECT)}"
    if github is None:
        return Example(own.name, own.sha, words)
    host = web_host(str(github.github_api_url))
    if own.origin is None or own.host != host:
        return Example(words=f"{own.folder} has no remote `origin` on {host}: put its owner/name into the command")
    pushed = "" if own.is_pushed else "; NOT PUSHED yet: `git push` first, or GitHub does not know the commit"
    return Example(own.origin, own.sha, words + pushed)


def web_host(api_url: str) -> str:
    """The host of a GitHub's repositories, by its API's address."""
    return (urlsplit(api_url).hostname or "").removeprefix("api.")


def _of_url(clone_url: str) -> Example:
    """The commit at the head of what REPORTBACK_CLONE_URL names; none if that depends on the repository."""
    if "{repository}" in clone_url:
        return Example(words=f"{CLONE_URL} is for any repository: put its owner/name and a commit into the command")
    if not (listed := git(ROOT.anchor, "ls-remote", clone_url, "HEAD")):
        raise ValueError(f"{CLONE_URL} names no repository with a commit that git can read here")
    name = remote(clone_url)[1] or f"local/{Path(urlsplit(clone_url).path or clone_url).name.removesuffix('.git')}"
    sha = listed.split()[0]
    return Example(name, sha, f"{CLONE_URL}, commit {sha[:12]}")
