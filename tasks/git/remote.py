"""Reads from a git host: tries again what may pass, and follows a repository that was renamed on its host."""

import asyncio
import random
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from tasks.git.run_git import Git, GitFailed
from tasks.process.command import Finished

SHALLOW = ("--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules")
"""Arguments of a fetch of single commits."""
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(seconds=30)
"""Between two tries: doubled each time, and up to a quarter shorter at random."""
MOST_REDIRECTS = 5

PASSING = re.compile(
    r"error: (?:408|429|5\d\d)\b|HTTP (?:408|429|5\d\d)\b|RPC failed|early EOF|hung up|unexpected disconnect"
    r"|[Tt]imed out|too slow|[Cc]onnection (?:reset|refused|closed|was)|Empty reply|Could not resolve|name resolution"
    r"|Failed to connect|Couldn't connect|Recv failure|Send failure|SSL_ERROR_SYSCALL|TLS connection was|recv error"
    r"|not closed cleanly|transfer closed|bad line length|expected flush|invalid index-pack output"
)
"""Messages of git, curl and ssh about what another try may not meet."""
LASTING = re.compile(
    r"error: 4(?!08|29)\d\d\b|not our ref|not found|[Dd]enied|[Aa]uthentication|ownership|does not appear|not allowed"
    r"|certificate"
)
"""Messages about what another try meets again, although git adds one of the above."""
UNKNOWN_TOKEN = re.compile(r"Authentication failed|could not read (?:Username|Password)|error: 401\b")
MOST_UNKNOWN = 3
"""So often a host is asked again that does not know an App's token: it may be seconds old, and on its way there."""
REDIRECTED = re.compile(r"unable to access '(?P<url>[^']+)': The requested URL returned error: 30[12378]\b")
LOCATION = re.compile(r"<= Recv header: location: *(?P<url>\S+)", re.IGNORECASE)
INFO = "/info/refs"
"""The path, beneath a repository's, of a client's first request."""


async def read(git: Git, *args: str, into_new: bool = False) -> Finished:
    """Run git, which reads from a host, to its success; run it again while it fails for what may pass.

    *into_new*: in a repository that is made first.

    Raises:
        GitFailed: it fails for another reason, or until the time limit; or the host redirects to another.
        NoSpace: the disk has become too full.
    """
    wait, tries, redirects, failed = FIRST_WAIT, 0, 0, ""
    while True:
        try:
            done = await git.ask(*args, into_new=into_new)
        except GitFailed as error:
            raise GitFailed(f"{failed} ({error}, tried {tries} times)" if failed else str(error)) from None
        tries += 1
        if done.exit_code == 0:
            return done
        if redirected := _matched(REDIRECTED, done):
            redirects += 1
            if redirects > MOST_REDIRECTS:
                raise GitFailed("the host redirects again and again")
            await _follow(git, redirected["url"].removesuffix("/"))
            continue
        failed = git.why(done) or f"git {args[0]} failed"
        is_new = git.has_app_token and tries <= MOST_UNKNOWN and bool(_matched(UNKNOWN_TOKEN, done))
        if not (is_new or _may_pass(done)):
            raise GitFailed(failed)
        pause = wait.total_seconds() * random.uniform(0.75, 1)  # noqa: S311  # keeps jobs from asking all at once
        if git.time_left <= pause:
            raise GitFailed(f"{failed} ({git.bounds.beyond_time}, tried {tries} times)")
        await asyncio.sleep(pause)
        wait = min(2 * wait, LONGEST_WAIT)


def _may_pass(done: Finished) -> bool:
    return bool(_matched(PASSING, done)) and not _matched(LASTING, done)


def _matched(pattern: re.Pattern[str], done: Finished) -> re.Match[str] | None:
    return next(filter(None, map(pattern.search, done.tail)), None)


async def _follow(git: Git, url: str) -> None:
    """Have *git* use the address to which the host redirects *url*. Raises GitFailed: it is on another host."""
    known = next((old for old, now in git.moved.items() if now == url), url)
    git.moved[known] = await _location(git, url)


async def _location(git: Git, url: str) -> str:
    """Where the host redirects the repository *url*: git itself tells it only in a trace."""
    trace = git.home / "trace"
    traced = {**git.env, "GIT_TRACE_CURL": str(trace), "GIT_TRACE_CURL_NO_DATA": "1"}
    await replace(git, env=traced).ask("ls-remote", "--quiet", "--", url, "HEAD")
    found = LOCATION.search(trace.read_text("utf-8", "replace") if trace.exists() else "")
    trace.unlink(missing_ok=True)
    to = urlsplit(urljoin(f"{url}{INFO}", str(found["url"]) if found else ""))
    if _origin(to) != _origin(urlsplit(url)):
        raise GitFailed(
            f"the host redirects to {to.scheme}://{to.netloc.rpartition('@')[2]}, which is another: if the repository "
            "is there, name it in REPORTBACK_CLONE_URL"
        )
    if not to.path.endswith(INFO):
        raise GitFailed("the host redirects to what is no repository, such as a page to log in")
    return urlunsplit((to.scheme, to.netloc, to.path.removesuffix(INFO), "", ""))


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or {"http": 80, "https": 443}.get(url.scheme)
