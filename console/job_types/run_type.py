"""The command `reportback jobs run`: one job type on this machine, without Prefect, GitHub and ledger."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from console.arguments import Folder, Options
from console.job_types.listing import read_types
from console.terminal import plain, results, say
from domain.jobs.command_line_options import given_options
from domain.jobs.hidden_values import hidden_values
from domain.jobs.job_states import JobState
from domain.jobs.job_type import JobType
from domain.output.signs import Sign
from local.repository import Repository, repository_at
from tasks.git.checkout import CheckoutFailed, working_copy
from tasks.jobs.log_sampling import LineBudget
from tasks.jobs.prepare import PreparationFailed, prepare
from tasks.jobs.run_commands import BuildEnvironment, build_environment
from tasks.process.command import CannotStart
from tasks.process.disk_space import NoSpace
from tasks.process.file_worker import within
from tasks.process.temp_dirs import scratch

ENDS = {JobState.SUCCEEDED: (0, "success"), JobState.FAILED: (1, "failure")}
"""The exit codes and words of `submit --wait`; every other end is an error."""


class _EveryLine(LineBudget):
    """Shows every line: there is no log that it could fill."""

    def take(self, line: str, sign: Sign = Sign.WORDS) -> bool:  # noqa: ARG002  # none is left out
        return True


async def run_type(
    job_type: Annotated[str, Parameter(name="TYPE")],
    /,
    *,
    repo: Folder = Path(),
    options: Options = (),
    file: Annotated[Path | None, Parameter(metavar="FILE")] = None,
) -> int:
    """Run a job type here, in a working copy of the repository's latest commit, as its author needs it.

    It needs no Prefect, GitHub or ledger: nothing is reported, kept, cached or pushed. Exits with 0 for success, 1 for
    failure, 2 for an error, as `reportback submit --wait`.

    Args:
        job_type: What to run: a job type of the file.
        repo: The repository, a folder of this machine.
        options: An option of the job type, as name=value; can be given several times.
        file: A file of job types, instead of the one in the settings.
    """
    types = read_types(file)
    if job_type not in types:
        raise ValueError(f"there is no job type {job_type!r}; there are: {', '.join(types)}")
    chosen = types[job_type]
    given = given_options(options, chosen.options)
    return await run_here(chosen, given, repository_at(repo))


async def run_here(chosen: JobType, given: dict[str, object], repository: Repository) -> int:
    """Run a job type for the latest commit of *repository*, print its output and end, and return the exit code."""
    say(f"{chosen.name} for {repository.sha[:12]} of {repository.folder.name}, context {chosen.context_of(given)}")
    if changed := repository.uncommitted:
        say(f"not in the commit, and so not in the job: changes of {changed} file{'s' if changed > 1 else ''}")
    state, summary = await _ended(chosen, given, repository.folder, repository.sha)
    code, word = ENDS.get(state, (2, "error"))
    results().print(plain(f"{word}: {summary}"), soft_wrap=True)
    return code


async def _ended(chosen: JobType, given: dict[str, object], repo: Path, sha: str) -> tuple[JobState, str]:
    """How the job ends, and its summary: what the commit would show."""
    try:
        async with _environment(chosen, repo, sha) as environment:
            await prepare(chosen.prepare, environment, None, scope="")
            ran = await environment.run(chosen.argv(given), chosen.timeout, chosen.line_patterns)
            if why := environment.skipped(ran, chosen):
                return JobState.SUCCEEDED, why
            state, summary = environment.ended(ran, chosen)
            if state is JobState.SUCCEEDED and (missing := _missing_output(chosen, environment.copy)):
                return JobState.CRASHED, missing
            return state, summary
    except (CheckoutFailed, CannotStart, PreparationFailed, NoSpace) as error:
        return JobState.CRASHED, str(error)


@asynccontextmanager
async def _environment(chosen: JobType, repo: Path, sha: str) -> AsyncIterator[BuildEnvironment]:
    making = working_copy(repo.as_uri(), sha, limits=chosen.limits, checkout=chosen.checkout, say=say)
    async with scratch() as home, making as copy:
        seen = {name: os.environ[name] for name in chosen.env if name in os.environ}
        environment = build_environment(chosen, copy, home, list(hidden_values(seen)), _print)
        yield replace(environment, budget=_EveryLine())


def _print(line: str) -> None:
    results().print(Text(line), soft_wrap=True)


def _missing_output(chosen: JobType, copy: Path) -> str | None:
    """Why the output of a success could not be kept; None: it could, or there is none to keep."""
    if chosen.output is None:
        return None
    place = within(copy, chosen.output)
    return None if place and place.is_dir() else f"output not kept: {chosen.output} is no folder"
