"""A working copy of exactly one commit."""

import base64
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from domain.summary import EndedBy, public, telling_line
from tasks.command import CannotStart, Finished, child_environment, run_command
from tasks.scratch import scratch

TIMEOUT = timedelta(seconds=120)
"""For all of git together."""

NETWORK = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
SEEN = (*NETWORK, *map(str.lower, NETWORK), "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")
"""What git needs of our environment to reach a host from within a company's network."""

CONFIG = {
    "advice.detachedHead": "false",
    "core.hooksPath": "/dev/null",
    "gc.auto": "0",
    "init.defaultBranch": "main",
    "protocol.ext.allow": "never",
    "protocol.version": "2",  # under which a server gives any commit, not only the tips of branches
    "submodule.recurse": "false",
}


class CheckoutFailed(Exception):
    """There is no working copy. The message may be shown to anybody."""


@asynccontextmanager
async def working_copy(
    clone_url: str, sha: str, *, parent: Path | None = None, token: str | None = None
) -> AsyncIterator[Path]:
    """A folder with the files of commit *sha* (40 hex digits) of *clone_url*, and a `.git` with that one commit.

    Made in *parent* (the system's temporary folder), and removed afterwards. No submodules, no hooks, no configuration
    of this machine. *token* goes to an https URL's own host only, in git's environment: on no command line, in no file.

    Raises:
        CheckoutFailed: no git, no such commit, no access, or not within two minutes.
    """
    async with scratch(parent) as folder:
        copy = folder / "copy"
        copy.mkdir()
        header = _authorization(token) if token else ""
        env = _environment(folder, _config(clone_url, header))
        git = _Git(copy, env, sha, (token or "", header), time.monotonic() + TIMEOUT.total_seconds())
        await git.run("init", "--quiet", "--template=")
        await git.run("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", clone_url, sha)
        await git.run("checkout", "--quiet", "--detach", sha, "--")
        head = await git.run("rev-parse", "HEAD")
        if head.tail[-1:] != (sha.lower(),):
            raise CheckoutFailed(f"cannot check out {sha[:12]}: git has another commit there")
        yield copy


@dataclass(frozen=True, slots=True)
class _Git:
    copy: Path
    env: dict[str, str]
    sha: str
    secrets: tuple[str, ...]
    deadline: float

    async def run(self, *args: str) -> Finished:
        left = timedelta(seconds=max(0.0, self.deadline - time.monotonic()))
        try:
            done = await run_command(("git", *args), cwd=self.copy, env=self.env, timeout=left, on_line=_ignore)
        except CannotStart as error:
            raise CheckoutFailed(str(error)) from None
        if done.ended_by is EndedBy.TIME_LIMIT:
            raise CheckoutFailed(f"cannot check out {self.sha[:12]}: not done within {TIMEOUT.seconds} s")
        if done.exit_code != 0:
            why = public(telling_line(done.tail), secrets=self.secrets, roots=(str(self.copy),))
            raise CheckoutFailed(f"cannot check out {self.sha[:12]}: {why or f'git {args[0]} failed'}")
        return done


def _ignore(line: str) -> None:
    """What git says is read from its tail."""


def _environment(home: Path, config: Mapping[str, str]) -> dict[str, str]:
    env = {
        **child_environment(SEEN, os.environ, home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": str(len(config)),
    }
    for number, (key, value) in enumerate(config.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def _config(clone_url: str, header: str) -> dict[str, str]:
    url = urlsplit(clone_url)
    if not header or url.scheme != "https":
        return CONFIG
    # After a redirect git would send the header to the other host too.
    return {**CONFIG, f"http.https://{url.netloc}/.extraHeader": header, "http.followRedirects": "false"}


def _authorization(token: str) -> str:
    # https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
    return "Authorization: Basic " + base64.b64encode(f"x-access-token:{token}".encode()).decode()
