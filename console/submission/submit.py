"""The command `reportback submit`."""

import os
from dataclasses import replace
from enum import IntEnum
from typing import Annotated, Any
from uuid import UUID, uuid4

from cyclopts import Parameter
from prefect.client.schemas.objects import State, StateType
from pydantic import ValidationError

from console.problems import problems
from console.submission.follow import End, follow, status_line
from console.submission.github_actions import ActionsRun, actions_run
from console.submission.prefect_jobs import Jobs, open_jobs
from console.submission.requested_job import NO_WORDS, Words, submission_of
from console.submission.unreachable import Unreachable
from console.terminal import plain, results, say
from domain.jobs.submission import Submission
from github_api.credentials import NotAllowed
from settings import Settings

NO_FAILURE = ("Flow run encountered an exception", "Validation of flow parameters failed")
"""Prefixes of Prefect's message for a flow run that failed without its job: refused, or a bug."""


class Exit(IntEnum):
    """The exit codes."""

    SUCCESS = 0
    FAILURE = 1  # the command itself failed
    ERROR = 2  # refused, cancelled, crashed, timed out, lost
    UNREACHABLE = 3  # not known


async def submit(
    job_type: Annotated[str, Parameter(name="TYPE")],
    /,
    *,
    words: Words = NO_WORDS,
    waits: Annotated[bool, Parameter(name="--wait")] = False,
) -> Exit:
    """Start a docs job for a commit, and print the address of its page.

    In GitHub Actions the commit is that of the workflow's event, and a repeated trigger starts nothing twice. Exits
    with 0 for success, 1 for failure, 2 for an error or a refused request, 3 if a server could not be reached.

    Args:
        job_type: What to run: a job type of jobs.toml.
        words: The job.
        waits: Wait until the job has ended and is reported; the exit code is then the job's.
    """
    try:
        return await _submit(replace(words, job_type=job_type), waits=waits)
    except Unreachable as error:
        return _fail(Exit.UNREACHABLE, str(error))
    except ValidationError as error:
        return _fail(Exit.ERROR, *problems(error))
    except (ValueError, NotAllowed) as error:
        return _fail(Exit.ERROR, str(error))


def _fail(code: Exit, *lines: str) -> Exit:
    for line in lines:
        say(f"reportback: {line}")
    return code


async def _submit(words: Words, *, waits: bool) -> Exit:
    settings, run = Settings(), actions_run(os.environ)
    submission = await submission_of(words, run, settings)
    async with open_jobs() as jobs:
        started = await jobs.start(submission, words.key or _key(submission, run))
        if not started.is_new:
            say("started before, by the same trigger or with the same key: nothing new was started")
        results().print(plain(started.url), soft_wrap=True)
        return await _outcome(jobs, started.run_id) if waits else Exit.SUCCESS


def _key(submission: Submission, run: ActionsRun | None) -> str:
    """The workflow's key; elsewhere a new one, so that a repeated request starts nothing twice."""
    return submission.key(run.run_id, run.attempt) if run else uuid4().hex


async def _outcome(jobs: Jobs, run_id: UUID) -> Exit:
    with status_line() as show:  # Rich's drawing on stderr would overwrite stdout meanwhile
        end = await follow(jobs, run_id, show)
    code = exit_of(end.state)
    results().print(plain(f"{code.name.lower()}: {end.state.message or end.state.name}"), soft_wrap=True)
    say(reported(end, run_id))
    return code


def exit_of(state: State[Any]) -> Exit:
    """The exit code for a job's final state: FAILURE if its command failed, ERROR for all else."""
    if state.type is StateType.COMPLETED:
        return Exit.SUCCESS
    is_own = state.type is StateType.FAILED and state.name == "Failed"
    return Exit.FAILURE if is_own and not (state.message or "").startswith(NO_FAILURE) else Exit.ERROR


def reported(end: End, run_id: UUID) -> str:
    """Whether the outcome is on its commit, as text."""
    where = f"`reportback reports show {run_id}` shows more"
    if end.report is None or not end.report.is_final():
        return f"Nothing is known yet of its report; {where}."
    if end.report.is_completed():
        return "Its outcome is on the commit."
    return f"Its outcome is not on the commit ({end.report.message}); {where}."
