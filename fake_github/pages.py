"""Renders web pages of what the stand-in's commits show, like GitHub's list of checks. All text is escaped."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fake_github.answers.examples import time
from fake_github.answers.markdown import rendered
from fake_github.exchange import is_web_address
from fake_github.store import Stored, latest
from fake_github.surfaces.check_run_store import CheckRun

_WORDS = {
    "failure": "failing",
    "error": "errored",
    "timed_out": "timed out",
    "action_required": "waiting for action",
    "cancelled": "cancelled",
    "pending": "pending",
    "queued": "queued",
    "in_progress": "in progress",
    "stale": "stale",
    "skipped": "skipped",
    "neutral": "neutral",
    "success": "successful",
}
_FAILED = {"failure", "error", "timed_out", "action_required", "cancelled"}
_OPEN = {"pending", "queued", "in_progress", "stale"}


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit, with the states of what it shows, each the newest of its name, and when something last came."""

    repository: str
    sha: str
    states: Sequence[str]
    at: datetime


def commit(repository: str, sha: str, statuses: list[Stored], runs: list[CheckRun]) -> str:
    """The page of a commit: the newest check run and status of each name, then everything, so that a duplicate shows.

    *statuses* and *runs* are newest first.
    """
    return _PAGE.render(
        title=f"{repository} {sha[:7]}", repository=repository, sha=sha, statuses=statuses, runs=runs,
        newest_runs=_newest(runs), states=_states(statuses, runs),
    )  # fmt: skip


def home(statuses: list[Stored], runs: list[CheckRun]) -> str:
    """The page that lists the commits that show something, the last changed first; both lists are oldest first."""
    of_commit: dict[tuple[str, str], tuple[list[Stored], list[CheckRun]]] = {}
    held: list[Stored | CheckRun] = [*statuses, *runs]
    for one in sorted(held, key=lambda one: one.created_at)[::-1]:
        shown = of_commit.setdefault(one.commit, ([], []))
        shown[1].append(one) if isinstance(one, CheckRun) else shown[0].append(one)
    commits = [_commit(*shown) for shown in of_commit.values()]
    return _PAGE.render(title="Commits", commits=commits)


def _commit(statuses: list[Stored], runs: list[CheckRun]) -> _Commit:
    shown: list[Stored | CheckRun] = [*statuses, *runs]
    newest = max(shown, key=lambda one: one.created_at)
    return _Commit(newest.repository, newest.sha, _states(statuses, runs), newest.created_at)


def _newest(runs: list[CheckRun]) -> list[CheckRun]:
    """The newest of each App and name, of which GitHub's pages speak."""
    found: dict[tuple[str, int], CheckRun] = {}
    for run in runs:
        found.setdefault((run.name, run.app_id), run)
    return [found[key] for key in sorted(found)]


def _states(statuses: list[Stored], runs: list[CheckRun]) -> list[str]:
    return [*(_state(run) for run in _newest(runs)), *(one.state for one in latest(statuses))]


def _state(run: CheckRun) -> str:
    return run.conclusion if run.conclusion and run.status == "completed" else run.status


def _combined(states: Iterable[str]) -> str:
    found = set(states)
    if found & _FAILED:
        return "failure"
    return "pending" if not found or found & _OPEN else "success"


def _counted(states: Iterable[str]) -> str:
    counts = Counter(states)
    checks = "check" if counts.total() == 1 else "checks"
    return ", ".join(f"{counts[state]} {word}" for state, word in _WORDS.items() if counts[state]) + f" {checks}"


_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, undefined=StrictUndefined
)
_PAGES.filters |= {
    "counted": _counted, "latest": latest, "combined": _combined, "time": time, "state": _state, "markdown": rendered,
}  # fmt: skip
_PAGES.tests["web_address"] = is_web_address
_PAGE = _PAGES.get_template("page.html")
