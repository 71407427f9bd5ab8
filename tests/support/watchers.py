"""Watchers of a job that waits for no group and is not cancelled."""

from domain.output.progress import ShowProgress, unseen
from tasks.jobs.lifecycle import Watchers


def undisturbed(lines: list[str], troubles: list[str], on_progress: ShowProgress = unseen) -> Watchers:
    """Notes what is told in *lines* and *troubles*."""

    async def nobody_waits(_: object) -> None:
        """There is no group."""

    async def nobody_cancels() -> bool:
        return False

    return Watchers(lines.append, troubles.append, nobody_waits, nobody_cancels, on_progress)
