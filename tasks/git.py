"""Git, run so that nothing of this machine or of the repository decides what it does, and a token shows nowhere."""

import base64
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from domain.clone_url import protocol_of
from domain.summary import EndedBy, public, telling_line
from tasks.command import CannotStart, Finished, child_environment, run_command

NETWORK = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
SEEN = (*NETWORK, *map(str.lower, NETWORK), "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")
"""What git needs of our environment to reach a host from within a company's network."""

CONFIG = {
    "advice.detachedHead": "false",
    "core.hooksPath": "/dev/null",
    "gc.auto": "0",
    "init.defaultBranch": "main",
    "protocol.version": "2",  # under which a server gives any commit, not only the tips of branches
    "submodule.recurse": "false",
}


class GitFailed(Exception):
    """Git did not do what it was to do. The message may be shown to anybody."""


@dataclass(frozen=True, slots=True)
class Git:
    """Git in *folder*, with an empty home of its own. All its runs together have a time limit, counted from its making.

    It speaks the protocol of *url* and no other, whatever a repository, a submodule or a redirect names; without a
    *url* none.
    *token* goes to an https *url*'s own host only, in git's environment: on no command line, in no file.
    """

    folder: Path
    home: Path
    limit: timedelta
    url: str = ""
    token: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    def afresh(self, limit: timedelta) -> "Git":
        """The same, with a time limit of its own, counted from now."""
        return replace(self, limit=limit, _began=time.monotonic())

    async def run(self, *args: str) -> Finished:
        """Run git to its success. Raises GitFailed."""
        done = await self.ask(*args)
        if done.exit_code != 0:
            raise GitFailed(self.why(done) or f"git {args[0]} failed")
        return done

    def why(self, done: Finished) -> str:
        """The line of git's that tells most of why it failed."""
        return self._public(telling_line(done.tail))

    async def ask(self, *args: str) -> Finished:
        """Run git to its end, whatever its exit code is. Raises GitFailed: it could not be run, or not in time."""
        left = self._began + self.limit.total_seconds() - time.monotonic()
        try:
            done = await run_command(
                ("git", *args),
                cwd=self.folder,
                env=self._environment(),
                timeout=timedelta(seconds=max(0.0, left)),
                on_line=_ignore,
                shown=self._public,
            )
        except CannotStart as error:
            raise GitFailed(str(error)) from None
        if done.ended_by is EndedBy.TIME_LIMIT:
            raise GitFailed(f"not done within {self.limit.seconds} s")
        return done

    def _public(self, text: str) -> str:
        return public(text, secrets=(self.token or "", self._header), roots=(str(self.folder),))

    @property
    def _header(self) -> str:
        # https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
        basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        return f"Authorization: Basic {basic}" if self.token else ""

    @property
    def _protocol(self) -> str:
        try:
            return protocol_of(self.url) if self.url else ""
        except ValueError as error:
            raise GitFailed(str(error)) from None

    def _environment(self) -> dict[str, str]:
        config = self._config()
        env = {
            **child_environment(SEEN, os.environ, self.home),
            "LC_ALL": "C.UTF-8",  # what it says is read here
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": self._protocol,
            "GIT_CONFIG_COUNT": str(len(config)),
            **self.env,
        }
        for number, (key, value) in enumerate(config.items()):
            env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return env

    def _config(self) -> dict[str, str]:
        url = urlsplit(self.url)
        if not self._header or url.scheme != "https":
            return CONFIG
        # After a redirect git would send the header to the other host too.
        return {**CONFIG, f"http.https://{url.netloc}/.extraHeader": self._header, "http.followRedirects": "false"}


def _ignore(line: str) -> None:
    """What git says is read from its tail."""
