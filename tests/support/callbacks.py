"""Callbacks of a job that waits for no group and is not cancelled."""

from domain.output.progress import ShowProgress, ignore_progress
from tasks.jobs.run_execution import Callbacks


def idle_callbacks(lines: list[str], on_progress: ShowProgress = ignore_progress) -> Callbacks:
    """Callbacks that append output to *lines*."""

    async def no_group(_: object) -> None:
        """The job waits for no other of its group."""

    async def not_cancelled() -> bool:
        return False

    return Callbacks(lines.append, no_group, not_cancelled, on_progress)
