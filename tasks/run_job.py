"""The task that runs a job's command, with its output in the flow run's log and its progress in the UI."""

from collections.abc import Callable
from functools import partial

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed

from domain.jobs.job_states import JobState
from tasks.delivery.reporter import Reporter
from tasks.jobs.execution_spec import EndedExecution, Work
from tasks.jobs.run_execution import Callbacks, carry_out
from tasks.operations.progress_bar import progress_bar
from tasks.runs.correct_run_states import show_waiting, why_cancelled


@task(name="run_job", description="Run the job's command.", cache_policy=NO_CACHE, persist_result=False)
async def run_job(
    work: Callable[[], Work],
    on_line: Callable[[str], None],
    on_prepared: Callable[[], None],
    reporter: Callable[[], Reporter],
) -> State[EndedExecution | None]:
    """Run the job; this task's state is the job's. Its data: the ended execution, or None if another process has it.

    *work* and *reporter* are functions because Prefect would traverse and copy values. *on_line* also gets each line of
    output; *on_prepared* is called between the preparations and the command.
    """
    asked, logger = work(), get_run_logger()
    async with progress_bar(_title(asked)) as show:

        def log_line(line: str) -> None:
            logger.info("%s", line)
            on_line(line)

        run_id = asked.order.flow_run_id
        waits, cancelled = partial(show_waiting, run_id), partial(why_cancelled, run_id)
        callbacks = Callbacks(log_line, waits, cancelled, show, on_prepared)
        ended = await carry_out(reporter(), asked, callbacks)
    return state_of(ended)


def _title(work: Work) -> str:
    target = work.order.target
    return f"{work.job_type.name} for {target.repository}@{target.sha[:12]}" if target else work.job_type.name


def state_of(ended: EndedExecution | None) -> State[EndedExecution | None]:
    """The state that Prefect shows for a job that ended like this."""
    if ended is None:
        return Failed(message="ended or taken over by another process", data=None)
    if ended.state is JobState.SUCCEEDED:
        return Completed(message=ended.words, data=ended)
    if ended.state is JobState.CANCELLED:
        return Cancelled(message=ended.words, data=ended)
    return Failed(name=ended.state.value.replace("_", " ").title().replace(" ", ""), message=ended.words, data=ended)
