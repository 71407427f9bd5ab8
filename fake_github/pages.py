"""Renders web pages of what the stand-in's commits show, like GitHub's list of checks. All text is escaped."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fake_github.answers.examples import time
from fake_github.exchange import is_web_address
from fake_github.store import Stored, combined_state, latest


def commit(repository: str, sha: str, newest_first: list[Stored]) -> str:
    """The page of a commit: the latest of each context, then everything, so that a duplicate shows."""
    title = f"{repository} {sha[:7]}"
    return _PAGE.render(title=title, repository=repository, sha=sha, newest_first=newest_first)


def home(oldest_first: list[Stored]) -> str:
    """The page that lists the commits that show something, the last changed first."""
    commits: dict[tuple[str, str], list[Stored]] = {}
    for one in reversed(oldest_first):
        commits.setdefault(one.commit, []).append(one)
    return _PAGE.render(title="Commits", commits=list(commits.values()))


def _counted(shown: Iterable[Stored]) -> str:
    counts = Counter(one.state for one in shown)
    words = {"failure": "failing", "error": "errored", "pending": "pending", "success": "successful"}
    checks = "check" if counts.total() == 1 else "checks"
    return ", ".join(f"{counts[state]} {word}" for state, word in words.items() if counts[state]) + f" {checks}"


_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, undefined=StrictUndefined
)
_PAGES.filters |= {"counted": _counted, "latest": latest, "combined_state": combined_state, "time": time}
_PAGES.tests["web_address"] = is_web_address
_PAGE = _PAGES.get_template("page.html")
