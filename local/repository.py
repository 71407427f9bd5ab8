"""A git repository on this machine, whose job types `up`, `init` and `jobs run` run: its latest commit and its name."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from domain.text import one_line

JOBS_FILE = "jobs.toml"
"""The file of job types in a repository."""

SSH = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?P<path>[^/].*)")
"""git's short form, `git@github.com:owner/name.git`."""
OWNER_AND_NAME = re.compile(r"/*(?P<name>[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+?)(?:\.git)?/*")


class NoRepository(ValueError):
    """There is no git repository with a commit; the message says where, and what to do."""


@dataclass(frozen=True, slots=True)
class Repository:
    """Its folder, its latest commit, and where its remote `origin` is: a host, and owner/name there, if it has one."""

    folder: Path
    sha: str
    subject: str
    host: str | None = None
    origin: str | None = None

    @property
    def name(self) -> str:
        """As owner/name: as its origin calls it, else its folder's name."""
        return self.origin or f"local/{re.sub('[^A-Za-z0-9_.-]', '-', self.folder.name) or 'repository'}"

    @property
    def is_pushed(self) -> bool:
        """Whether a branch of the origin has its latest commit, as far as is known here."""
        return bool(git(self.folder, "for-each-ref", "--contains", self.sha, "refs/remotes/origin"))

    @property
    def uncommitted(self) -> int:
        """How many files differ from the commit."""
        return len((git(self.folder, "status", "--porcelain") or "").splitlines())

    def files(self) -> list[str]:
        """The paths of the commit's files."""
        return (git(self.folder, "ls-tree", "-r", "-z", "--name-only", self.sha) or "").rstrip("\0").split("\0")

    def text(self, path: str) -> str:
        """The text of a file of the commit; empty if it cannot be read."""
        return git(self.folder, "show", f"{self.sha}:{path}") or ""


def repository_at(folder: Path) -> Repository:
    """The repository that *folder* is in.

    Raises:
        NoRepository: there is none, or it has no commit.
    """
    if not folder.is_dir():
        raise NoRepository(f"{folder} is no folder: --repo names one with a git repository in it")
    top = git(folder, "rev-parse", "--show-toplevel")
    sha = git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if sha is None:
        raise NoRepository(
            f"{folder} is no git repository with a commit: --repo names one; "
            "`git init`, `git add .` and `git commit` make one"
        )
    host, origin = remote(git(folder, "remote", "get-url", "origin") or "")
    subject = one_line(git(folder, "log", "-1", "--format=%s", sha) or "")
    return Repository(Path(top or folder).resolve(), sha, subject, host, origin)


def remote(url: str) -> tuple[str | None, str | None]:
    """The host of a remote, and owner/name there. None: it is on this machine, or has another form."""
    parts = urlsplit(url) if "://" in url else None
    if parts and parts.hostname and parts.scheme != "file":
        host, path = parts.hostname, parts.path
    elif parts is None and (short := SSH.fullmatch(url)):
        host, path = short["host"], short["path"]
    else:
        return None, None
    named = OWNER_AND_NAME.fullmatch(path)
    return host.lower(), named["name"] if named else None


def git(folder: Path | str, *words: str) -> str | None:
    """What git prints in *folder*; None: it fails.

    Raises:
        NoRepository: git cannot be started.
    """
    try:
        done = subprocess.run(["git", "-C", folder, *words], capture_output=True, check=False)  # noqa: S603, S607  # no shell
    except OSError as error:
        raise NoRepository(f"git cannot be started: {error.strerror}") from None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
