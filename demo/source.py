"""Provides the commit that the demo builds: this checkout's, or a new one of its files if it has no `.git`."""

import shutil
import subprocess
from pathlib import Path

from local.stack import ROOT

NOT_SOURCE = shutil.ignore_patterns(
    ".venv", "build", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis", ".coverage*"
)
AUTHOR = ("-c", "user.name=demo", "-c", "user.email=demo@example.invalid", "-c", "commit.gpgsign=false")


def commit(folder: Path) -> tuple[str, str]:
    """A URL to fetch this project from, and the sha of its commit. A repository is made in *folder* if need be."""
    if (ROOT / ".git").exists():
        return ROOT.as_uri(), _git(ROOT, "rev-parse", "HEAD")
    copy = folder / "project"
    shutil.copytree(ROOT, copy, ignore=NOT_SOURCE)
    return committed(copy)


def committed(folder: Path) -> tuple[str, str]:
    """A URL to fetch *folder* from as a new repository, and the sha of its only commit."""
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    _git(folder, *AUTHOR, "commit", "--quiet", "--no-verify", "--message", "The files of this folder")
    return folder.as_uri(), _git(folder, "rev-parse", "HEAD")


def _git(folder: Path, *arguments: str) -> str:
    command = ("git", "-c", f"safe.directory={folder}", "-C", str(folder), *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603  # our own words
