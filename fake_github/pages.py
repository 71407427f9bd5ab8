"""Renders web pages of what the stand-in's commits show, like GitHub's list of checks. All text is escaped."""

from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from fake_github.answers.examples import time
from fake_github.exchange import is_web_address
from fake_github.store import Stored, combined_state, latest

_PAGE = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))

_ICONS = {
    "success": '<path d="M4 8.5l2.7 2.7L12.2 5.5"/>',
    "failure": '<path d="M5 5l6 6M11 5l-6 6"/>',
    "error": '<path d="M8 4v5M8 11.4v.6"/>',
    "pending": '<circle cx="8" cy="8" r="3" class="dot"/>',
}
_HEADLINES = {
    "success": "All checks have passed",
    "failure": "Some checks were not successful",
    "pending": "Some checks have not completed yet",
}


def commit(repository: str, sha: str, newest_first: list[Stored]) -> str:
    """The page of a commit: the latest status of each context, then every status, so that a duplicate shows."""
    shown = latest(newest_first)
    heading = (
        f'<p class="where"><a href="/">Commits</a> / {escape(repository)}</p>'
        f"<h1>Commit <code>{escape(sha[:7])}</code></h1>"
        f'<p class="sha"><code>{escape(sha)}</code></p>'
    )
    if not shown:
        empty = '<section class="box"><p class="none">No status has been reported for this commit.</p></section>'
        return _page(f"{repository} {sha[:7]}", heading + empty)
    return _page(f"{repository} {sha[:7]}", heading + _checks(shown) + _history(newest_first))


def home(oldest_first: list[Stored]) -> str:
    """The page that lists the commits that show something, the last changed first."""
    commits: dict[tuple[str, str], list[Stored]] = {}
    for status in reversed(oldest_first):
        commits.setdefault(status.commit, []).append(status)
    rows = "".join(_commit_row(statuses) for statuses in commits.values())
    listed = f'<ul class="rows">{rows}</ul>' if rows else '<p class="none">No status has been reported yet.</p>'
    return _page("Commits", f'<h1>Commits</h1><section class="box">{listed}</section>')


def _page(title: str, body: str) -> str:
    return _PAGE.substitute(title=escape(title), body=body)


def _checks(shown: list[Stored]) -> str:
    state = combined_state(shown)
    rows = "".join(
        f'<li>{_icon(one.state)}<div class="what"><strong>{escape(one.context)}</strong>'
        f'<span class="said">{escape(one.description or _said(one.state))}</span></div>{_details(one)}</li>'
        for one in shown
    )
    return (
        f'<section class="box" aria-labelledby="checks"><header>{_icon(state)}<div>'
        f'<h2 id="checks">{_HEADLINES[state]}</h2><p>{_counted(shown)}</p></div></header>'
        f'<ul class="rows">{rows}</ul></section>'
    )


def _history(newest_first: list[Stored]) -> str:
    rows = "".join(
        f"<tr><td>{_icon(one.state)} {escape(one.state)}</td><td>{escape(one.context)}</td>"
        f"<td>{escape(one.description or '')}</td><td>{_when(one)}</td><td><code>{one.id}</code></td></tr>"
        for one in newest_first
    )
    total = len(newest_first)
    return (
        f'<h2 id="history">Every status <span class="count">{total}</span></h2>'
        '<div class="box wide" role="region" aria-labelledby="history" tabindex="0"><table><thead><tr>'
        '<th scope="col">State</th><th scope="col">Context</th><th scope="col">Description</th>'
        f'<th scope="col">Created (UTC)</th><th scope="col">Id</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _commit_row(newest_first: list[Stored]) -> str:
    newest = newest_first[0]
    shown = latest(newest_first)
    link = f"/{quote(newest.repository)}/commit/{quote(newest.sha)}"
    return (
        f'<li>{_icon(combined_state(shown))}<div class="what"><a href="{escape(link)}"><strong>'
        f"{escape(newest.repository)}</strong> <code>{escape(newest.sha[:7])}</code></a>"
        f'<span class="said">{_counted(shown)}</span></div><span class="said">{_when(newest)}</span></li>'
    )


def _counted(shown: Iterable[Stored]) -> str:
    counts = Counter(one.state for one in shown)
    words = {"failure": "failing", "error": "errored", "pending": "pending", "success": "successful"}
    checks = "check" if counts.total() == 1 else "checks"
    return ", ".join(f"{counts[state]} {word}" for state, word in words.items() if counts[state]) + f" {checks}"


def _details(status: Stored) -> str:
    """The link of a status; only to the web, whatever was stored."""
    if not status.target_url or not is_web_address(status.target_url):
        return ""
    name = escape(f"Details of {status.context}")
    return f'<a class="details" href="{escape(status.target_url)}" aria-label="{name}" rel="noopener">Details</a>'


def _icon(state: str) -> str:
    return (
        f'<svg class="icon {state}" viewBox="0 0 16 16" width="18" height="18" role="img" aria-label="{state}">'
        f'<circle cx="8" cy="8" r="7.2" class="disc"/>{_ICONS[state]}</svg>'
    )


def _said(state: str) -> str:
    return {"pending": "Waiting to hear more", "success": "Successful"}.get(state, "Not successful")


def _when(status: Stored) -> str:
    at = time(status.created_at)
    return f'<time datetime="{at}">{at.rstrip("Z").replace("T", " ")}</time>'
