"""Commits what a job changed and pushes it onto the branch's current head; does nothing if nothing changed.

The job may have changed the `.git` of its working copy. So a separate repository is used, and no git command that has
the token works on the job's files.
"""

import asyncio
import re
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from domain.git.push import Push
from domain.process.limits import NO_LIMITS, Limits
from domain.text import one_line
from tasks.git.remote import SHALLOW, read
from tasks.git.run_git import HASH, Git, GitFailed
from tasks.git.trees import Trees, word
from tasks.process.temp_dirs import scratch
from tasks.process.uncancellable import finished

LIMIT = timedelta(minutes=5)
"""Time limit for all git commands together, however often the branch moves between reading it and pushing."""
CHECK_LIMIT = timedelta(seconds=15)
"""Time limit, beside `LIMIT`, to check whether the host stored a push that failed or was interrupted."""
STORE_TIME = timedelta(seconds=10)
"""How long a host may take to store an interrupted push; so long the check is repeated while it finds nothing."""
CHECK_EVERY = timedelta(seconds=1)
MAX_DEPTH = 20
"""How many commits that others pushed on top of ours are searched for it."""

CUT_OFF = re.compile(r"hung up|disconnect|early EOF|RPC failed|[Cc]onnection|timed out|remote failure|sent all of")
"""Git's messages when it does not know whether the host has stored a push."""
REFUSED = re.compile(r"!\t.*\[(?:remote )?rejected\]")
"""Git's `--porcelain` line when the host has answered that it did not store a push."""
HOSTS_REASON = re.compile(r"remote: (?:error: |fatal: |.*\bGH\d{3}\b)")
HOSTS_DETAIL = re.compile(r"remote: +(?=- )")


class PushFailed(Exception):
    """Nothing was pushed, or it is not known. The message may be public."""


async def push_changes(
    copy: Path,
    push: Push,
    *,
    clone_url: str,
    sha: str,
    token: str,
    message: str,
    limits: Limits = NO_LIMITS,
    ca_file: Path | None = None,
) -> str | None:
    """Commit what differs in `push.paths` of *copy* from its commit *sha*, and push it.

    The commit is made on top of the branch, which is created if there is none. Other changes on the branch stay; on a
    conflict nothing is pushed. A file that *sha* does not have, or that only this author's last push has changed on the
    branch, replaces the branch's. A cancellation after the host has stored the push has no effect.

    *ca_file*: see `Git`.

    Returns:
        The commit that was pushed; None: there was nothing that the branch does not have.

    Raises:
        PushFailed: a conflict, no right to, or beyond *limits*.
        NoSpace: the disk has become too full, and nothing was pushed.
    """
    pushed: list[str | None] = []
    try:
        async with scratch() as folder:
            own = folder / "repository"
            own.mkdir()
            git = Git(own, folder, limits.for_files(LIMIT), clone_url, token, ca_file=ca_file)
            pushed.append(await _Pusher(git, push, sha, message).push(copy))
    except GitFailed as error:
        raise PushFailed(f"push failed: {error}") from None
    except asyncio.CancelledError:
        if not pushed:
            raise
    return pushed[0]


@dataclass(frozen=True, slots=True)
class _Pusher:
    remote: Git
    push_: Push
    sha: str
    message: str

    @property
    def git(self) -> Git:
        """Git without the token."""
        name, email = self.push_.identity
        identity = {
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", email))
        }
        return replace(self.remote, url="", token=None, env=identity)

    @property
    def trees(self) -> Trees:
        """What builds the trees to push."""
        return Trees(self.git, self.push_, self.message)

    async def push(self, copy: Path) -> str | None:
        await self.git.run("init", "--quiet", "--template=")
        await read(self.remote, "fetch", *SHALLOW, "--", self.remote.url, self.sha)
        sha = await word(self.git, "rev-parse", f"{self.sha}^{{commit}}")  # of a tag, its commit
        return await replace(self, sha=sha).push_on_top(copy)

    async def push_on_top(self, copy: Path) -> str | None:
        """Push what differs from *sha*, which has been fetched, onto the branch."""
        changes = await self._changes(copy)
        if changes is None:
            return None
        while True:
            head = await self._head()
            commit = changes if head in (None, self.sha) else await self._on_top_of(head, changes)
            if commit is None or await self._sent(commit, head):
                return commit

    async def _changes(self, copy: Path) -> str | None:
        """A commit on top of *sha* with what the job made of the paths; None: it changed nothing.

        What git alone would change is no change: line ends, for example, that only `.gitattributes` rewrite.
        """
        made = await self.trees.added(self.sha, copy)
        if made == await self.trees.tree_of(self.sha):
            return None
        await self.git.run("checkout", "--quiet", "--force", "--detach", self.sha)
        rewritten = await self.trees.added(self.sha, self.remote.folder, "--renormalize")
        changed = await self.trees.names("changed", rewritten, made)
        if not changed:
            return None
        return await self.trees.commit(await self.trees.replaced(self.sha, made, changed), self.sha)

    async def _head(self) -> str | None:
        """The branch's commit; None: there is no such branch."""
        ref = f"refs/heads/{self.push_.branch}"
        listed = await read(self.remote, "ls-remote", "--quiet", "--", self.remote.url, ref)
        words = (line.split("\t") for line in listed.tail)
        return next((word[0] for word in words if HASH.fullmatch(word[0]) and word[1:] == [ref]), None)

    async def _on_top_of(self, head: str, changes: str) -> str | None:
        """The changes as a commit on top of *head*; None: it has them all.

        A file is the job's own, and replaces the branch's whatever that is, if the job's commit does not have it, or if
        nothing but this job's last push has changed it on the branch. All others are merged.
        """
        await read(self.remote, "fetch", *SHALLOW, f"--depth={MAX_DEPTH}", "--", self.remote.url, head)
        await self.git.check_files_of(head)
        changed = await self.trees.names("changed", self.sha, changes)
        own = await self.trees.names("added", self.sha, changes, "--diff-filter=A")
        if last := await self._last_push(head):
            own |= changed - await self.trees.names("touched", last, head)
        tree = await self.trees.replaced(head, changes, own)
        if own != changed:
            base = await self.trees.commit(await self.trees.replaced(self.sha, changes, own), self.sha)
            ours = await self.trees.commit(await self.trees.tree_of(changes), base)
            tree = await self.trees.picked(ours, await self.trees.commit(tree, head))
        return None if tree == await self.trees.tree_of(head) else await self.trees.commit(tree, head)

    async def _last_push(self, head: str) -> str | None:
        """The last commit of this job's author on the branch that *sha* does not contain, if it is recent."""
        name, email = self.push_.identity
        listed = await self.git.run("log", "--format=%H %cn <%ce>", f"--max-count={MAX_DEPTH}", head, f"^{self.sha}")
        pushed = (line.partition(" ")[0] for line in listed.tail if line.partition(" ")[2] == f"{name} <{email}>")
        return next(pushed, None)

    async def _sent(self, commit: str, head: str | None) -> bool:
        """Push it. False: the branch has moved meanwhile.

        The branch tells whether the host has stored it, also where the time limit or a cancel cut the push off.
        """
        failed, is_in_doubt = await self._failed(commit, head)
        if failed is None:
            return True
        checker = replace(self, remote=self.remote.with_limit(CHECK_LIMIT))
        check, cancelled = await finished(lambda: checker.branch_commit(commit, head, is_in_doubt=is_in_doubt))
        failed = cancelled or failed
        if (unknown := check.exception()) is not None:
            if is_in_doubt and isinstance(failed, GitFailed):
                raise GitFailed(f"{failed}; whether the host has stored it is not known: {unknown}")
            raise failed
        if check.result() == commit:
            return True
        if check.result() == head or not isinstance(failed, GitFailed):
            raise failed
        return False

    async def _failed(self, commit: str, head: str | None) -> tuple[BaseException | None, bool]:
        """Push it: why that failed, if it did, and whether the host may have stored it all the same."""
        ref, reasons = f"refs/heads/{self.push_.branch}", list[str]()
        # The commit is on top of *head*; what was taken off the branch meanwhile is not brought back.
        how = ("--porcelain", "--no-verify", "--no-signed", f"--force-with-lease={ref}:{head or ''}")
        try:
            done = await self.remote.ask(
                "push", *how, "--", self.remote.url, f"{commit}:{ref}", on_line=partial(_take_reason, reasons)
            )
        except (GitFailed, asyncio.CancelledError) as error:
            return error, True
        if done.exit_code == 0:
            return None, False
        is_refused = any(REFUSED.match(line) for line in done.tail)
        is_cut_off = done.exit_code is None or any(map(CUT_OFF.search, done.tail))
        why = self.remote.shown(one_line(" ".join(reasons))) or self.remote.why(done) or "git push failed"
        return GitFailed(why), is_cut_off and not is_refused

    async def branch_commit(self, commit: str, head: str | None, *, is_in_doubt: bool) -> str | None:
        """What the branch holds: *commit*, also where others have pushed on top of it; else its head.

        It was *head* before the push. While that *is_in_doubt* and nothing has changed, the check is repeated.
        """
        until = time.monotonic() + STORE_TIME.total_seconds()
        while True:
            there = await self._head()
            if there not in (head, commit, None) and await self._is_below(commit, there):
                return commit
            if there != head or not is_in_doubt or time.monotonic() >= until:
                return there
            await asyncio.sleep(CHECK_EVERY.total_seconds())

    async def _is_below(self, commit: str, head: str) -> bool:
        await read(self.remote, "fetch", *SHALLOW, f"--depth={MAX_DEPTH}", "--", self.remote.url, head)
        return (await self.git.ask("merge-base", "--is-ancestor", commit, head)).exit_code == 0


def _take_reason(reasons: list[str], line: str) -> None:
    """Take the host's own reason for its refusal, and the first item of the list that may follow."""
    if (HOSTS_REASON if not reasons else HOSTS_DETAIL).match(line) and len(reasons) <= 1:
        reasons.append(line.removeprefix("remote: ") if reasons else line)
