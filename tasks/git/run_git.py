"""Runs git isolated from the configuration of this machine and of the repository, and never shows a token."""

import base64
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from domain.git.git_url import protocol_of
from domain.output.error_line import error_line
from domain.process.ended_by import EndedBy
from domain.process.limits import NO_LIMITS, FileBounds
from domain.redact import public
from domain.text import LogLine
from tasks.process.command import CannotStart, Finished, child_environment, run_command
from tasks.process.disk_space import with_room
from tasks.process.file_worker import BeyondLimit, Count

NETWORK = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
SEEN = (*NETWORK, *map(str.lower, NETWORK), "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")
"""The environment variables that git needs to reach a host from within a company's network."""

CONFIG = {
    "advice.detachedHead": "false",
    "core.hooksPath": "/dev/null",
    "core.quotePath": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",  # git would send the token, and what it fetches, to any other host, too
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "30",  # seconds without a byte, after which a connection counts as cut
    "init.defaultBranch": "main",
    "protocol.version": "2",  # under which a server gives any commit, not only the tips of branches
    "submodule.recurse": "false",
}

READ = frozenset(("fetch", "ls-remote", "submodule"))
"""Git commands that read from a host, or a local repository."""
WRITE = frozenset(
    ("add", "checkout", "cherry-pick", "commit-tree", "fetch", "init", "lfs", "read-tree", "submodule", "write-tree")
)
"""Git commands that fill a disk and may be ended at any moment: no push, and no query of the host."""

OF_AN_APP = "ghs_"
"""https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats"""

HASH = re.compile(r"[0-9a-f]{40}")
"""A whole one, as git prints it."""
_IGNORED = f"trap '' {signal.SIGXFSZ:d}"
SAYING_SO = ("/bin/sh", "-c", f'{_IGNORED}; exec git "$@"', "git")
"""Git with SIGXFSZ ignored: where a file becomes too large, it prints an error instead of being killed."""
IN_NEW = ("/bin/sh", "-c", f'{_IGNORED}; git init --quiet --template= && exec git "$@"', "git")
"""The same in a repository that is made first: one process to supervise instead of two."""
TOO_LARGE = re.compile(r"^(?:error|fatal): .*: File too large$", re.MULTILINE)
"""That error: `strerror` of EFBIG."""


def ignored(line: str) -> None:
    """Ignore a line of git's output, whose end is read from `Finished.tail`."""


class GitFailed(Exception):
    """A git command failed. The message may be public."""


@dataclass(frozen=True, slots=True)
class Git:
    """Git in *folder*, with an empty home of its own. One time limit, from its creation, applies to all runs together.

    Only the protocol of *url* is allowed, whatever a repository, a submodule or a redirect names; without a *url* none.
    *token* goes to an https *url*'s own host only, in git's environment: on no command line, in no file.
    *ca_file* holds the certificates to trust, instead of those that the environment or the system names. *moved* holds
    the addresses of repositories that were renamed, by the earlier one; all copies share it. *config* holds more of
    git's configuration, *protocols* more that are allowed.
    """

    folder: Path
    home: Path
    bounds: FileBounds
    url: str = ""
    token: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    ca_file: Path | None = None
    moved: dict[str, str] = field(default_factory=dict)
    config: tuple[tuple[str, str], ...] = ()
    protocols: tuple[str, ...] = ()
    _began: float = field(default_factory=time.monotonic)

    def with_limit(self, limit: timedelta) -> "Git":
        """A copy with a time limit of its own, counted from now."""
        return replace(self, bounds=replace(self.bounds, time=limit, time_field=""), _began=time.monotonic())

    async def run(self, *args: str, on_line: LogLine = ignored, into_new: bool = False) -> Finished:
        """Run git to its success; *into_new*: in a repository that is made first. Raises GitFailed."""
        done = await self.ask(*args, on_line=on_line, into_new=into_new)
        if done.exit_code != 0:
            raise GitFailed(self.why(done) or f"git {args[0]} failed")
        return done

    def why(self, done: Finished) -> str:
        """The line of git's output that best explains its failure."""
        return self.shown(error_line(done.tail))

    async def ask(self, *args: str, on_line: LogLine = ignored, into_new: bool = False) -> Finished:
        """Run git to its end, whatever its exit code is.

        Raises:
            GitFailed: it could not be run, or is beyond its bounds.
            NoSpace: the disk has become too full for git to `WRITE` more.
        """
        env = self._environment() | self._trusted(args[0])
        if shutil.which("git", path=env["PATH"]) is None:
            raise GitFailed("cannot start 'git': not found; install it where the worker runs")
        running = run_command(
            (*(IN_NEW if into_new else SAYING_SO), *args),
            cwd=self.folder,
            env=env,
            timeout=timedelta(seconds=max(0.0, self.time_left)),
            on_line=on_line,
            shown=self.shown,
            limits=NO_LIMITS.model_copy(update={"file_size": self.bounds.size}),  # a fetch writes one file
        )
        try:
            done = await (with_room(running, self.home) if args[0] in WRITE else running)
        except CannotStart as error:
            raise GitFailed(str(error)) from None
        if done.ended_by is EndedBy.TIME_LIMIT:
            raise GitFailed(self.bounds.beyond_time)
        if TOO_LARGE.search("\n".join(done.tail)):
            raise GitFailed(self.bounds.beyond("size"))
        return done

    @property
    def has_app_token(self) -> bool:
        """Whether its token was made for a GitHub App, perhaps just now."""
        return (self.token or "").startswith(OF_AN_APP)

    @property
    def is_local(self) -> bool:
        """Whether its repository is a folder of this machine."""
        return bool(self.url) and protocol_of(self.url) == "file"

    @property
    def time_left(self) -> float:
        """The seconds until its time limit."""
        return self._began + self.bounds.time.total_seconds() - time.monotonic()

    def shown(self, text: str) -> str:
        """*text* without the token and the paths of this machine."""
        return public(text, secrets=(self.token or "", self._header), roots=(str(self.folder),))

    async def check_files_of(self, commit: str, seen: LogLine = ignored) -> bool:
        """Check that the files of *commit*, which has been fetched, are within the bounds; whether any has attributes.

        *seen* gets the path of each.

        Raises:
            GitFailed: they are beyond the bounds.
        """
        attributes = list[str]()
        with self.counting() as count:
            await self.run("ls-tree", "-r", "-t", "--long", commit, on_line=partial(_count, count, attributes, seen))
        return bool(attributes)

    @contextmanager
    def counting(self) -> Iterator[Count]:
        """What counts files up to the bounds. Raises GitFailed: they are more."""
        try:
            yield Count(self.bounds.files, self.bounds.size)
        except BeyondLimit as error:
            raise GitFailed(self.bounds.beyond(str(error))) from None

    @property
    def _header(self) -> str:
        # https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation
        basic = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        return f"Authorization: Basic {basic}" if self.token else ""

    @property
    def _protocol(self) -> str:
        try:
            return ":".join((protocol_of(self.url), *self.protocols)) if self.url else ""
        except ValueError as error:
            raise GitFailed(str(error)) from None

    def _trusted(self, command: str) -> dict[str, str]:
        """The variable for git to read a local repository of another user; not to push, which runs its hooks."""
        if command not in READ or not self.is_local:
            return {}
        place = self.url if self.url.startswith("/") else unquote(urlsplit(self.url).path)
        places = [os.path.realpath(f"{place.rstrip('/')}{suffix}") for suffix in ("", ".git", "/.git", ".git/.git")]
        trusted = self.home / "trusted"  # git takes this from no variable, as a repository could set one for its own
        trusted.write_text("".join(f"[safe]\n\tdirectory = {_quoted(place)}\n" for place in places), encoding="utf-8")
        return {"GIT_CONFIG_GLOBAL": str(trusted)}

    def _environment(self) -> dict[str, str]:
        config = self._config()
        env = {
            **child_environment(SEEN, os.environ, self.home),
            **({"GIT_SSL_CAINFO": str(self.ca_file)} if self.ca_file else {}),  # goes before `http.sslCAInfo`
            "LC_ALL": "C.UTF-8",  # its messages are parsed
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": self._protocol,
            "GIT_CONFIG_COUNT": str(len(config)),
            **self.env,
        }
        for number, (key, value) in enumerate(config):
            env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return env

    def _config(self) -> list[tuple[str, str]]:
        url = urlsplit(self.url)
        config = [*CONFIG.items(), *self.config, *((f"url.{now}.insteadOf", old) for old, now in self.moved.items())]
        if self._header and url.scheme == "https":
            config.append((f"http.https://{url.netloc}/.extraHeader", self._header))
        return config


def _quoted(path: str) -> str:
    """*path* as a value in a file of git's configuration."""
    escaped = path.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'


def _count(count: Count, attributes: list[str], seen: LogLine, line: str) -> None:
    """Count an entry of a tree: mode, kind, name of the object, size, and a tab before its path."""
    entry, _, path = line.partition("\t")
    size = entry.split()[-1]
    if " blob " in entry:
        seen(path)
    count.add(int(size) if size.isdecimal() else 0)
    if path.endswith(".gitattributes"):
        attributes.append(path)
