"""`make up` is stopped in the middle of a job and starts again with the same data."""

import asyncio
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from e2e_rig import DOCS_JOB, FROM_DEATH_TO_ERROR, SECONDS, Rig
from e2e_run import STARTS
from real_processes import start_python
from waiting import until

from local import stack
from local.prefect_api import PrefectApi, prefect_api
from storage.ledger import open_ledger

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.together]

REPOSITORY = "acme/up"
"""A repository of its own: its reports are in another ledger than those of the other tests."""

API_URL = re.compile(r"PREFECT_API_URL=(\S+)")


def api_url(log: Path) -> str | None:
    """Where it has Prefect's server, once it says so."""
    said = API_URL.search(log.read_text(encoding="utf-8"))
    return said and said[1]


@asynccontextmanager
async def up(rig: Rig, home: Path, log: Path) -> AsyncIterator[PrefectApi]:
    """`reportback up`, ended by SIGTERM."""
    own = {"REPORTBACK_DATABASE_URL": f"sqlite:///{home / 'ledger.db'}", "XDG_STATE_HOME": str(home)}
    process = start_python(log, {**rig.env, **own}, *stack.COMMAND, "up")

    async def is_up() -> bool:
        assert process.poll() is None, log
        return api_url(log) is not None

    try:
        await until(is_up, within=2 * STARTS, what=f"`up` to say so in {log}")
        password = (home / "reportback" / "prefect" / "api-password").read_text(encoding="utf-8").strip()
        async with prefect_api(api_url(log) or "", password) as prefect:
            yield prefect
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 30)


async def test_a_job_that_ended_with_make_up_is_an_error_on_its_commit_once_it_is_up_again(rig: Rig) -> None:
    home = rig.folder / "up"
    home.mkdir()
    async with up(rig, home, rig.logs / "up.log") as prefect, open_ledger(f"sqlite:///{home / 'ledger.db'}") as ledger:
        run = await replace(rig, prefect=prefect, ledger=ledger, repository=REPOSITORY).start(
            "up-and-down", deployment=DOCS_JOB
        )
        await run.is_at_work()
        await run.shows("pending", within=STARTS)
    await run.leaves_no_process()
    async with (
        up(rig, home, rig.logs / "up-again.log") as prefect,
        open_ledger(f"sqlite:///{home / 'ledger.db'}") as ledger,
    ):
        again, began = replace(run, prefect=prefect, ledger=ledger), time.monotonic()
        await again.shows("pending", "error", within=FROM_DEATH_TO_ERROR)
        SECONDS["SIGTERM to `make up`, counted from when it is up again"] = time.monotonic() - began
        await again.is_over("CRASHED", "CANCELLED", within=STARTS)  # the latter if Prefect's runner could still say so
    assert (await again.statuses())[-1]["description"]
