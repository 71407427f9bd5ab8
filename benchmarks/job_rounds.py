"""Runs docs jobs and flows that do the same work, in turn, in one process: `benchmarks.docs_job` starts it."""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from benchmarks.same_work import same_work


def cpu() -> float:
    """CPU seconds of this process and of all that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


async def timed(run: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    began, used = time.perf_counter(), cpu()
    await run()
    return time.perf_counter() - began, cpu() - used


async def docs_job(url: str, sha: str) -> None:  # noqa: ARG001  # the settings name it
    """One docs job."""
    from flows import docs_job as module  # noqa: PLC0415  # not for the process that only runs the other

    target = {"repository": "acme/site", "sha": sha, "context": "docs/short"}
    state: Any = await module.docs_job(job="short", target=target, return_state=True)
    assert state.is_completed(), state


async def main(what: str, url: str, sha: str, rounds: int) -> None:
    """Print, as JSON, the wall and CPU seconds of each round."""
    works: dict[str, Callable[[str, str], Awaitable[None]]] = {"docs_job": docs_job, "same_work": same_work}
    chosen = [works[what]] if what in works else list(works.values())
    measured = [[await timed(partial(work, url, sha)) for work in chosen] for _ in range(rounds)]
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
