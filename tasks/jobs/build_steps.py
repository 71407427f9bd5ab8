"""Builds a commit: check out, prepare, run the command, keep its output, push what it changed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from domain.jobs.hidden_values import TooShort
from domain.jobs.job_states import JobState
from domain.output.progress import ShowProgress
from domain.output.summary import skipped
from domain.redact import public
from domain.text import LogLine
from github_api.apps import CHECKOUT, PUSH
from tasks.delivery.reporter import Reporter
from tasks.git.checkout import CheckoutFailed
from tasks.git.commit_files import CommitFiles
from tasks.git.push import PushFailed, push_changes
from tasks.jobs.collect_findings import collect_findings
from tasks.jobs.execution_spec import CANCELLED, ExecutionResult, Work, folders_of_a_job, secrets_of, token_of
from tasks.jobs.keep_output import NotKept, keep_output
from tasks.jobs.prepare import PreparationFailed, prepare
from tasks.jobs.run_commands import BuildEnvironment, build_environment, ignore_prepared
from tasks.jobs.working_folder import SHORT_SHA, empty_folder, folder_of, has_nothing_to_do
from tasks.process.background import Stop, run_in_background
from tasks.process.command import CannotStart
from tasks.process.disk_space import NoSpace, check_free_space, full_is_no_space
from tasks.process.files import USUAL, FileWorkFailed, hand_over
from tasks.process.temp_dirs import REMOVAL, keep
from tasks.process.user_lock import StillRuns, acquire_user
from tasks.process.users import JobUser

logger = logging.getLogger("reportback.jobs")


async def execute(
    reporter: Reporter,
    work: Work,
    on_end: Callable[[ExecutionResult], None],
    on_line: LogLine,
    *,
    on_progress: ShowProgress,
    on_prepared: Callable[[], None] = ignore_prepared,
) -> None:
    """Run *work*, whose execution has started, to its end. *on_line* gets the output, made public.

    *on_end* gets the result, also a cancellation, once none of its processes runs and its output is kept or pushed.
    When this returns or is cancelled, its folders are removed or closed. The log names the working copy of a failed
    job, and a disk that lacks space.
    """
    with _reporting_start_failures(on_end):
        target = work.order.target
        found = await token_of(reporter, work.order.credential, target.repository, CHECKOUT) if target else None
        secrets = await secrets_of(reporter, work, found)
        files = CommitFiles()
        if await has_nothing_to_do(work, found, files):
            on_end(
                ExecutionResult(
                    JobState.SUCCEEDED, skipped(f"no change in {' '.join(work.job_type.paths)}"), is_skipped=True
                )
            )
            return
        disks = folders_of_a_job(reporter.ledger, work)
        notes = list[str]()
        folder = folder_of(work, found, notes.append, files)
        async with _user(work, disks) as user, folder as copy, empty_folder("home") as home:
            if user:
                await hand_over([copy, home], user, work.job_type.limits.for_files(USUAL))
            environment = replace(
                build_environment(work.job_type, copy, home, secrets, on_line),
                user=user, on_progress=on_progress, on_prepared=on_prepared, files=files,
            )  # fmt: skip
            for note in notes:
                environment.say(note)
            try:
                ending = await _run_or_crash(reporter, work, environment)
            except asyncio.CancelledError:
                on_end(CANCELLED)
                raise
            on_end(ending)
            if ending.state is not JobState.SUCCEEDED:
                with suppress(TimeoutError):  # a disk that does not answer; the job's end is reported already
                    if kept := await run_in_background(partial(_keep_copy, copy, disks), longest=REMOVAL):
                        logger.warning("the working copy is kept for a while for inspection: %s", kept)


@contextmanager
def _reporting_start_failures(on_end: Callable[[ExecutionResult], None]) -> Iterator[None]:
    """Report a job that could not start as ended. A full disk is reported as such, whatever was to be written to it."""
    try:
        with full_is_no_space():
            yield
    except (NoSpace, TooShort) as error:
        logger.warning(error.to_do)
        on_end(ExecutionResult(JobState.CRASHED, str(error)))
    except CheckoutFailed as error:
        on_end(ExecutionResult(JobState.CRASHED, str(error)))
    except FileWorkFailed as error:
        on_end(
            ExecutionResult(
                JobState.CRASHED, f"the working copy could not be made the job user's: {public(str(error))}"
            )
        )


def _keep_copy(copy: Path, disks: Sequence[Path], stop: Stop) -> Path | None:
    """Keep the working copy; returns where. None: removed, as the ledger needs the space for the job's end."""
    kept = keep(copy, stop)
    with suppress(NoSpace):  # kept copies may have made room already
        check_free_space(disks, stop)
    return kept if kept and kept.exists() else None


async def _run_or_crash(reporter: Reporter, work: Work, environment: BuildEnvironment) -> ExecutionResult:
    try:
        return await _run(reporter, work, environment)
    except (PreparationFailed, CannotStart, NotKept, PushFailed, StillRuns) as error:
        return ExecutionResult(JobState.CRASHED, environment.shown(str(error)))


async def _run(reporter: Reporter, work: Work, environment: BuildEnvironment) -> ExecutionResult:
    job_type, target = work.job_type, work.order.target
    try:
        await prepare(job_type.prepare, environment, work.cache, scope=target.repository.lower() if target else "")
        if job_type.prepare:
            environment.on_prepared()
        ran = await environment.run(job_type.argv(work.order.options), job_type.timeout, job_type.line_patterns)
    finally:
        environment.end_output()
    done = ran.finished
    if why := environment.skipped(ran, job_type):
        return ExecutionResult(JobState.SUCCEEDED, why, done.exit_code, is_skipped=True)
    state, summary = environment.ended(ran, job_type)
    found = await collect_findings(reporter, work, environment, ran)
    if state is JobState.SUCCEEDED:
        await _keep(work, environment)
        await _push(reporter, work, environment)
        return ExecutionResult(state, summary, done.exit_code, work.output_url, found)
    if state is JobState.FAILED:
        await _keep_after_failure(work, environment)
    return ExecutionResult(state, summary, done.exit_code, found=found)


async def _keep(work: Work, environment: BuildEnvironment) -> None:
    if work.job_type.output is None or work.outputs is None:
        return
    path, job_id, target = work.job_type.output, work.order.flow_run_id, work.order.target
    place = f"{target.repository}:{target.context}".lower() if target else ""
    dropped = await keep_output(environment.copy, path, job_id, work.outputs, environment.limits, place=place)
    for line in (*dropped, f"{path} is kept as {job_id}"):
        environment.say(line)


async def _keep_after_failure(work: Work, environment: BuildEnvironment) -> None:
    """Keep the output of a failed command, which may tell why. A full disk does not replace the command's own error."""
    try:
        await _keep(work, environment)
    except NotKept as error:
        environment.say(str(error))
    except NoSpace as error:
        environment.say(f"output not kept: {error}")
        logger.warning(error.to_do)


async def _push(reporter: Reporter, work: Work, environment: BuildEnvironment) -> None:
    push, target = work.job_type.push, work.order.target
    if push is None or target is None or work.clone_url is None:
        return
    token = await token_of(reporter, push.credential, target.repository, PUSH)
    if not isinstance(token, str):
        raise PushFailed(f"push failed: {token}")
    message = push.message or f"{work.job_type.name}: update from {target.sha[:SHORT_SHA]}"
    commit = await push_changes(
        environment.copy, push, clone_url=work.clone_url, sha=target.sha, token=token, message=message,
        limits=environment.limits, ca_file=work.ca_file,
    )  # fmt: skip
    environment.say(
        f"{commit[:SHORT_SHA]} is pushed to {push.branch}" if commit else "nothing to push: nothing has changed"
    )


@asynccontextmanager
async def _user(work: Work, disks: Sequence[Path]) -> AsyncIterator[JobUser | None]:
    """Hold a job user from before the first folder is made until all are removed: a later job may be the same user.

    Raises NoSpace: the disks are checked once there is a user, for which the job may have waited for hours.
    """
    async with acquire_user(work.users) if work.users else nullcontext() as user:
        await _make_room(disks)
        yield user


async def _make_room(disks: Sequence[Path]) -> None:
    """Check free space; kept copies may be removed first, which takes as long as other file work. Raises NoSpace."""
    try:
        await run_in_background(partial(check_free_space, disks), longest=USUAL)
    except TimeoutError as error:
        where = ", ".join(map(str, disks))
        todo = f"{where}: one of them has not answered for a long time: check its disk, and retry the job"
        raise NoSpace("the disk does not answer", todo) from error
