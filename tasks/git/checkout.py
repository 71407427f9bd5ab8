"""Checks out exactly one commit into a temporary working copy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from domain.git.checkout import ONE_COMMIT, TIME_FIELD, Checkout
from domain.process.limits import NO_LIMITS, FileBounds, Limits
from domain.text import LogLine
from tasks.git.commit_files import CommitFiles, Paths
from tasks.git.remote import SHALLOW, read
from tasks.git.run_git import HASH, Git, GitFailed, ignored
from tasks.process.output_lines import MAX_LINE
from tasks.process.temp_dirs import scratch

TIMEOUT = timedelta(seconds=120)
"""Time limit for all git commands together, where the job type sets none."""
DIFFERENCE = ("diff-tree", "-r", "--no-renames", "--name-only")
FETCHED = "refs/reportback/commit"
POINTER = "version https://git-lfs.github.com/spec/v1"
"""The first line of a file in place of one that Git LFS keeps: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md"""


class CheckoutFailed(Exception):
    """There is no working copy. The message may be public."""


@asynccontextmanager
async def working_copy(
    clone_url: str,
    sha: str,
    *,
    parent: Path | None = None,
    token: str | None = None,
    limits: Limits = NO_LIMITS,
    ca_file: Path | None = None,
    checkout: Checkout = ONE_COMMIT,
    say: LogLine = ignored,
    files: CommitFiles | None = None,
) -> AsyncIterator[Path]:
    """A folder with the files of commit *sha* of *clone_url*, and a `.git` with as much history as *checkout* says.

    *sha* has 40 hex digits; that of a tag means its commit. Made in *parent* (the system's temporary folder), and
    removed afterwards. No hooks, no configuration of this machine. *token* goes to an https URL's own host only, in
    git's environment: on no command line, in no file. *ca_file* holds the certificates to trust. *say* gets what a
    person should know of the files; *files* those of the commit, and what it changes if its parent is there.

    Raises:
        CheckoutFailed: no git, no such commit, no access, or beyond *limits*.
        NoSpace: the disk has become too full.
    """
    async with scratch(parent) as folder:
        copy = folder / "copy"
        copy.mkdir()
        try:
            git = Git(copy, folder, _bounds(limits, checkout), clone_url, token, ca_file=ca_file)
            await _check_out(git, sha.lower(), checkout, say, files or CommitFiles())
        except GitFailed as error:
            raise CheckoutFailed(f"cannot check out {sha[:12]}: {error}") from None
        yield copy


def _bounds(limits: Limits, checkout: Checkout) -> FileBounds:
    bounds = limits.for_files(TIMEOUT)
    return replace(bounds, time=checkout.timeout, time_field=TIME_FIELD) if checkout.timeout else bounds


async def _check_out(git: Git, sha: str, checkout: Checkout, say: LogLine, files: CommitFiles) -> None:
    if not HASH.fullmatch(sha):
        raise GitFailed("that is not the whole hash of a commit")
    await _fetch(git, sha, checkout)
    has_attributes = await git.check_files_of(sha, files.paths.add)
    await git.run("checkout", "--quiet", "--detach", f"{sha}^{{commit}}", "--")
    if (commit := (git.folder / ".git" / "HEAD").read_text(encoding="utf-8").strip()) != sha:
        await _check_tag(git, sha, commit)
        say(f"{sha[:12]} is a tag: its commit {commit[:12]} is checked out")
    if checkout.history != 1 and files.changed is None:
        files.changed = await _changed_by(git, sha)
    if checkout.submodules:
        await _check_out_submodules(git, checkout)
    if checkout.lfs:
        await _get_lfs_files(git)
    elif has_attributes:
        await _say_pointers(git, say)


async def _check_tag(git: Git, sha: str, commit: str) -> None:
    """Check that *sha* is a tag of *commit*. Raises GitFailed."""
    if (await git.run("rev-parse", f"{sha}^{{commit}}")).tail[-1:] != (commit,):
        raise GitFailed("git has another commit there")


async def _changed_by(git: Git, sha: str) -> Paths | None:
    """The files that differ from the first parent of *sha*; None: it has none, or that was not fetched."""
    changed = Paths()
    with suppress(GitFailed):
        if (await git.ask(*DIFFERENCE, f"{sha}^", sha, on_line=changed.add)).exit_code == 0:
            return changed
    return None


async def changed_since(
    clone_url: str,
    sha: str,
    since: str,
    *,
    token: str | None = None,
    limits: Limits = NO_LIMITS,
    ca_file: Path | None = None,
    longest: timedelta = TIMEOUT,
) -> frozenset[str]:
    """The paths that differ between the commits *since* and *sha*, as git prints them; fetches no file.

    Raises:
        CheckoutFailed: it is not known; one of them is not there any more, for example.
        NoSpace: the disk has become too full.
    """
    changed = list[str]()
    try:
        async with scratch() as folder:
            git = Git(folder, folder, limits.for_files(longest), clone_url, token, ca_file=ca_file)
            await read(git, "fetch", *SHALLOW, "--filter=blob:none", "--", clone_url, since, sha, into_new=True)
            await git.run(*DIFFERENCE, since, sha, on_line=changed.append)
    except GitFailed as error:
        raise CheckoutFailed(str(error)) from None
    return frozenset(changed)


def is_cut_or_quoted(path: str) -> bool:
    """Whether *path* is not known as it is, but as git prints it."""
    return path.startswith('"') or len(path) >= MAX_LINE


async def _fetch(git: Git, sha: str, checkout: Checkout) -> None:
    """Fetch the commit with its history into a new repository. Its tags come along where it is stored under a name."""
    is_alone = checkout.history == 1
    to = ("--no-tags", "--", git.url, sha) if is_alone else ("--", git.url, f"{sha}:{FETCHED}")
    await read(git, "fetch", "--quiet", *checkout.depth, "--no-recurse-submodules", *to, into_new=True)
    if not is_alone:
        await git.run("update-ref", "-d", FETCHED)


async def _check_out_submodules(git: Git, checkout: Checkout) -> None:
    """Check out the submodules, and theirs. Only the same host gets the token, also where it is named by ssh."""
    url = urlsplit(git.url)
    config = [("remote.origin.url", git.url)]  # what relative addresses are relative to
    if url.scheme == "https":
        host = url.netloc.rpartition("@")[2]
        config += [(f"url.https://{host}/.insteadOf", ssh) for ssh in (f"git@{host}:", f"ssh://git@{host}/")]
    git = replace(git, config=tuple(config), protocols=("https",))
    # With --force also what an earlier try has cloned, and git believes to be checked out.
    await read(git, "submodule", "--quiet", "update", "--init", "--recursive", "--force", *checkout.depth)
    with git.counting() as count:
        await git.run("ls-files", "--recurse-submodules", on_line=lambda _: count.add(0))


async def _get_lfs_files(git: Git) -> None:
    """Get the files of Git LFS from the repository's own host, whatever host `.lfsconfig` names."""
    if (await git.ask("lfs", "version")).exit_code != 0:
        raise GitFailed("checkout.lfs needs git-lfs: install it where the worker runs")
    config = [("remote.origin.url", git.url), ("lfs.basictransfersonly", "true")]
    if urlsplit(git.url).scheme in ("http", "https"):
        url = git.moved.get(git.url, git.url).removesuffix("/").removesuffix(".git")
        config.append(("lfs.url", f"{url}.git/info/lfs"))
    elif git.is_local:
        config[1:] = []  # local files are copied by an adapter of git-lfs's own
    git = replace(git, config=tuple(config))
    await git.run("lfs", "install", "--local", "--skip-repo")
    await read(git, "lfs", "pull")


async def _say_pointers(git: Git, say: LogLine) -> None:
    found = list[str]()
    matching = replace(git, env={"GIT_LITERAL_PATHSPECS": "0"})
    await matching.ask("grep", "-l", "-F", "-e", POINTER, "--", ":(attr:filter=lfs)", on_line=found.append)
    if found:
        what = (
            f"{found[0]} is a pointer" if len(found) == 1 else f"{len(found)} files, such as {found[0]}, are pointers"
        )
        say(f"{what} of Git LFS, not the content: a job type gets that with checkout = {{ lfs = true }}")
