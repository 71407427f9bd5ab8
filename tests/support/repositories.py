"""Makes real git repositories, independent of any user's git configuration."""

import os
import subprocess
from pathlib import Path

IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
ENV = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *args: str) -> str:
    """The output of git."""
    done = subprocess.run(["git", *IDENTITY, *args], cwd=folder, env=ENV, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def new_repository(folder: Path) -> Path:
    """Make an empty repository in *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    return folder


def write(folder: Path, **files: str | None) -> None:
    """Write files by name, in which "__" stands for "/" and "_" for "."; None removes the file."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def commit(folder: Path, **files: str | None) -> str:
    """Commit *files* in a working copy; return the commit's sha."""
    write(folder, **files)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a change")
    return git(folder, "rev-parse", "HEAD")


class Origin:
    """A bare repository, to which tests push as another user."""

    def __init__(self, folder: Path) -> None:
        self.bare, self._desk = folder / "origin.git", folder / "desk"
        new_repository(self._desk)
        git(folder, "init", "-q", "--bare", str(self.bare))
        git(self._desk, "remote", "add", "origin", str(self.bare))

    @property
    def url(self) -> str:
        return self.bare.as_uri()

    def commit(self, branch: str, **files: str | None) -> str:
        """Add another user's commit to a branch; a new branch begins at the last commit."""
        if self.head(branch) is not None:
            git(self._desk, "fetch", "-q", "origin", branch)
            git(self._desk, "checkout", "-q", "-B", branch, "FETCH_HEAD")
        else:
            git(self._desk, "checkout", "-q", "-B", branch)
        made = commit(self._desk, **files)
        git(self._desk, "push", "-q", "origin", branch)
        return made

    def head(self, branch: str) -> str | None:
        listed = git(self.bare, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return listed or None

    def files(self, branch: str) -> dict[str, str]:
        """The text of each file of a branch, by path."""
        names = git(self.bare, "ls-tree", "-r", "--name-only", branch).split()
        return {name: git(self.bare, "show", f"{branch}:{name}") for name in names}

    def history(self, branch: str, layout: str = "%an <%ae>: %s") -> list[str]:
        """The authors and subjects of a branch's commits, newest first."""
        return git(self.bare, "log", f"--format={layout}", branch).splitlines()
