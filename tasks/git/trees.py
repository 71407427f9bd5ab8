"""Builds trees and commits of what a job has changed, by git's own plumbing, in a repository that no job can change."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from domain.git.push import Push
from domain.process.limits import FileBounds
from tasks.git.run_git import Git, GitFailed
from tasks.process.files import FileWorkFailed, are_there

CONFLICT = re.compile(r"CONFLICT \([^)]*\): (?:Merge conflict in )?(?P<path>.+?)(?: deleted in .*)?")
IGNORED = "ignored by one of your .gitignore files"


@dataclass(frozen=True, slots=True)
class Trees:
    """The repository of *git*, which has no token; commits get *message*, and the author of *git*'s environment."""

    git: Git
    push: Push
    message: str

    async def added(self, sha: str, copy: Path, how: str = "--all") -> str:
        """The tree of *sha* with the paths as they are in *copy*."""
        index = {
            "GIT_DIR": str(self.git.folder / ".git"),
            "GIT_WORK_TREE": str(copy),
            "GIT_INDEX_FILE": str(self.git.home / "index"),
        }
        git = replace(self.git, folder=copy, env={**self.git.env, **index})
        await git.run("read-tree", sha)
        there = await _are_there(copy, self.push.paths, self.git.bounds)
        for path, is_there in zip(self.push.paths, there, strict=True):
            if is_there or await self.has(sha, path):
                await _add(git, path, how)
        return await word(git, "write-tree")

    async def picked(self, commit: str, onto: str) -> str:
        """The tree of *onto* with what *commit* changes."""
        await self.git.run("checkout", "--quiet", "--force", "--detach", onto)
        done = await self.git.ask("cherry-pick", "--no-commit", "-Xno-renames", commit)
        if done.exit_code != 0:
            conflict = next(filter(None, map(CONFLICT.fullmatch, done.tail)), None)
            both = f"{self.push.branch} and the job have both changed {conflict['path']}" if conflict else ""
            raise GitFailed(both or self.git.why(done))
        return await word(self.git, "write-tree")

    async def names(self, what: str, before: str, after: str, *how: str) -> set[bytes]:
        """The paths that differ within those to be pushed. They go through a file: a name may be any bytes."""
        file = self.git.home / what
        named = ("diff-tree", "-r", "-z", "--no-renames", "--name-only", f"--output={file}", *how, before, after)
        await self.git.run(*named, "--", *self.push.paths)
        return set(file.read_bytes().split(b"\0")) - {b""}

    async def replaced(self, onto: str, by: str, names: set[bytes]) -> str:
        """The tree of *onto* with the files *names*, and nothing else, as they are in *by*."""
        await self.git.run("read-tree", onto)
        if names:
            file = self.git.home / "replaced"
            file.write_bytes(b"\0".join(names))
            await self.git.run("reset", "--quiet", by, f"--pathspec-from-file={file}", "--pathspec-file-nul")
        return await word(self.git, "write-tree")

    async def tree_of(self, commit: str) -> str:
        """The tree of *commit*."""
        return await word(self.git, "rev-parse", f"{commit}^{{tree}}")

    async def commit(self, tree: str, parent: str) -> str:
        """A commit of *tree* on top of *parent*."""
        return await word(self.git, "commit-tree", tree, "-p", parent, "-m", self.message)

    async def has(self, commit: str, path: str) -> bool:
        """Whether *commit* has *path*."""
        return bool((await self.git.run("ls-tree", "--name-only", commit, "--", path)).tail)


async def word(git: Git, *args: str) -> str:
    """The last line of what git prints."""
    return (await git.run(*args)).tail[-1]


async def _add(git: Git, path: str, how: str) -> None:
    done = await git.ask("add", how, "--", path)
    if any(IGNORED in line for line in done.tail):
        if not (await git.run("ls-files", "--", path)).tail:
            raise GitFailed(f"{path} is ignored by .gitignore")
        done = await git.ask("add", "--update", "--", path)  # tracked all the same, as a build is that is kept
    if done.exit_code != 0:
        raise GitFailed(git.why(done) or f"git add {path} failed")


async def _are_there(copy: Path, paths: Sequence[str], bounds: FileBounds) -> list[bool]:
    """Which *paths* exist. Raises GitFailed: one is nothing that git could add, or is beyond *bounds*."""
    try:
        return await are_there(copy, paths, bounds)
    except FileWorkFailed as error:
        raise GitFailed(str(error)) from None
