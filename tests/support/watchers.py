"""Watchers of a job that waits for no group and is not cancelled."""

from domain.output.progress import ShowProgress, unseen
from tasks.jobs.lifecycle import Watchers


def idle_watchers(lines: list[str], troubles: list[str], on_progress: ShowProgress = unseen) -> Watchers:
    """Watchers that append output to *lines* and warnings to *troubles*."""

    async def no_group(_: object) -> None:
        """The job waits for no other of its group."""

    async def not_cancelled() -> bool:
        return False

    return Watchers(lines.append, troubles.append, no_group, not_cancelled, on_progress)
