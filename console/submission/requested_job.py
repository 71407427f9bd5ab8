"""Determines the job to submit from the command line and the workflow that runs it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter
from pydantic import ValidationError

from console.arguments import REPOSITORY, Options
from console.reporter import token_for
from console.submission.github_actions import ActionsRun
from console.submission.prefect_refusal import problems_of_target
from console.submission.unreachable import Unavailable, ask_until_reachable
from console.terminal import say
from domain.jobs.command_line_options import given_options
from domain.jobs.jobs_file import parse_job_types
from domain.jobs.options import Option
from domain.jobs.submission import Submission
from domain.jobs.target_request import TargetRequest
from domain.text import clean
from github_api.apps import CHECKOUT, LOOK_UP, Permissions
from github_api.credentials import NoCredential, credential_name
from github_api.refs import Commits, NoAnswer, NoSuchRef, PullHead
from settings import Settings
from tasks.delivery.open_reporter import check_allowed

WHOLE = 40
"""Digits of a full hash, which needs no look-up."""
PULL_REQUEST = re.compile(r"(?:refs/)?pull/(?P<number>[0-9]{1,9})/head")

FROM_A_FORK = (
    "is from a fork: its code could be anyone's, and would run as the worker's user; where workers run jobs as "
    "separate users (REPORTBACK_JOB_USER), set that here as well"
)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Words:
    """The values of the command line; None: to be determined.

    Args:
        repository: Where to report, as owner/name.
        ref: The commit to run for and to report on: a hash, also abbreviated, a branch, a tag, or pull/N/head.
        context: The name under which the outcome shows on the commit, instead of the job type's.
        url: Where the outcome links to, instead of the default.
        options: An option of the job type, as name=value; can be given several times.
        key: Requests with the same key start one job. In GitHub Actions it is set automatically.
        since: The commit to compare with, 40 digits: the job is skipped if none of its type's paths has changed since.
            In GitHub Actions it is the event's.
    """

    job_type: Annotated[str, Parameter(parse=False)] = ""
    repository: Annotated[str | None, REPOSITORY] = None
    ref: Annotated[str | None, Parameter(name="--sha", metavar="COMMIT")] = None
    context: Annotated[str, Parameter(metavar="NAME")] = ""
    url: Annotated[str, Parameter(metavar="URL")] = ""
    options: Options = ()
    key: Annotated[str | None, Parameter(metavar="KEY")] = None
    since: Annotated[str, Parameter(metavar="COMMIT")] = ""


NO_WORDS = Words()


class SubmissionRefused(ValueError):
    """The request is refused before anything is started; the message says why."""


async def submission_of(words: Words, run: ActionsRun | None, settings: Settings) -> Submission:
    """The job for *words*, in *run* of GitHub Actions. Only a branch, tag or short hash needs a request.

    Raises:
        SubmissionRefused, NoCommit, BadOptions, BadJobsFile: there is none to start; each is a ValueError.
        NotAllowed: jobs for the repository are not accepted.
        Unreachable: GitHub does not say which commit is meant.
    """
    _check_text(words)
    if run and run.is_from_fork and settings.job_user is None:
        what = "the pull request" if run.is_of_pull_request else f"the commit of the event {run.event} possibly"
        raise SubmissionRefused(f"{what} {FROM_A_FORK}")
    repository, ref = _meant(words, run)
    check_allowed(repository, settings)  # as the worker does, if this machine has the setting too
    since = words.since or (run.since if run and not words.ref else "")
    target = _target(words, repository, since)  # validates before the look-up
    options = given_options(words.options, _declared(words.job_type, settings))
    sha = await _whole(repository, ref, settings)
    return Submission(words.job_type, target.model_copy(update={"sha": sha}), options)


def _check_text(words: Words) -> None:
    """Refuse bytes that are not UTF-8: Prefect's server would store half of a surrogate pair and then fail."""
    given = (words.job_type, words.repository, words.ref, words.context, words.url, *words.options, words.key)
    if any(text is not None and clean(text) != text for text in given):
        raise SubmissionRefused("the command line holds text that is not UTF-8, or a NUL: write it in UTF-8")


def _meant(words: Words, run: ActionsRun | None) -> tuple[str, str]:
    """The repository and the commit, or its branch or tag: as given, else those of the workflow."""
    if words.repository and words.ref:
        return words.repository, words.ref
    if run is None:
        raise SubmissionRefused("--repo and --sha are needed: only in GitHub Actions they are known")
    if words.ref:
        return run.repository, words.ref
    repository, sha = run.commit()
    if words.repository and words.repository.lower() != repository.lower():
        raise SubmissionRefused(
            f"--repo {words.repository} needs a --sha: the workflow is about a commit of {repository}"
        )
    return repository, sha


def _target(words: Words, repository: str, since: str) -> TargetRequest:
    """The target, its commit yet to be filled in."""
    sha = "0" * WHOLE
    try:
        return TargetRequest(repository=repository, sha=sha, context=words.context, url=words.url, since=since)
    except ValidationError as error:
        raise SubmissionRefused(problems_of_target(error.errors())) from None


def _declared(job_type: str, settings: Settings) -> Mapping[str, Option] | None:
    """The options of the job type in this machine's jobs.toml; None: only the deployment knows the type."""
    try:
        content = settings.jobs_file.read_bytes()
    except OSError:
        return None
    known = parse_job_types(content, str(settings.jobs_file)).get(job_type)
    return known.options if known else None


async def _whole(repository: str, ref: str, settings: Settings) -> str:
    """The hash of the commit *ref*; asks GitHub only if it is not a full hash itself."""
    if len(ref) == WHOLE and set(ref.lower()) <= set("0123456789abcdef"):
        return ref.lower()
    pull_request = PULL_REQUEST.fullmatch(ref)
    token = await _token(repository, settings, LOOK_UP if pull_request else CHECKOUT)
    url, ca_file = str(settings.github_api_url), settings.ca_file
    async with Commits(url, settings.timeout, lambda: datetime.now(UTC), ca_file=ca_file) as github:

        async def asked() -> str:
            match await (
                github.head_of(repository, int(pull_request["number"]), token)
                if pull_request
                else github.sha_of(repository, ref, token)
            ):
                case NoAnswer(why):
                    raise Unavailable(f"GitHub does not say which commit {ref} of {repository} is: {why}")
                case NoSuchRef(why):
                    asker = "" if token else ", asked without a token"
                    raise SubmissionRefused(f"--sha: GitHub knows no single commit {ref} of {repository}{asker}: {why}")
                case PullHead(sha, head) if settings.job_user or (head or "").lower() == repository.lower():
                    return sha
                case PullHead():
                    raise SubmissionRefused(f"the pull request {FROM_A_FORK}")
                case str(sha):
                    return sha

        sha = await ask_until_reachable(asked)
    say(f"{ref} of {repository} is {sha}")
    return sha


async def _token(repository: str, settings: Settings, permissions: Permissions) -> str | None:
    """The token for *repository*; None if there is none here: a public repository can be read without."""
    name = credential_name(repository, settings.credentials)
    try:
        return await token_for(repository, name, settings, permissions) if name else None
    except NoCredential:
        return None
