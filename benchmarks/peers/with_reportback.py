"""Delivers the outcomes of jobs that have just ended: what no job's own tries deliver, reconciliation runs do."""

import asyncio
import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from benchmarks.deliveries import in_parallel, recorded
from domain.delivery.report import RecordedReport
from settings import Settings
from storage.delivery.due import count_undelivered
from tasks.delivery.open_reporter import open_reporter
from tasks.delivery.reporter import Reporter
from tasks.reconcile import reconcile
from tasks.report_status import RETRIES, Undelivered, deliver_report


async def deliver_as_task(reporter: Reporter, report: RecordedReport) -> None:
    """The task `report_status`, with Prefect's retries and without Prefect."""
    for number in range(RETRIES + 1):
        try:
            await deliver_report(reporter, report, job_ends_now=True)
        except Undelivered as error:
            if not error.may_help or number == RETRIES:
                return
            await asyncio.sleep(2**number)
        else:
            return


async def main(url: str, count: int, ledger: Path, pace: str, *, is_new: bool) -> None:
    """Deliver *count* outcomes, or what a process that was killed has left of them in *ledger*; prints what it took."""
    budget = {} if pace == "paced" else {"write_budget": "off"}
    settings = Settings.model_validate({"database_url": f"sqlite:///{ledger}", "github_api_url": url, **budget})
    async with open_reporter(settings, "benchmark") as reporter:
        due = await recorded(reporter.ledger, [f"docs/{n}" for n in range(count)]) if is_new else []
        began, cpu = time.perf_counter(), time.process_time()
        await in_parallel(due, lambda one: deliver_as_task(reporter, one))
        while await reporter.ledger.read(count_undelivered):
            await reconcile(reporter, uuid4(), budget=timedelta(seconds=50), senders=settings.senders)
        took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "failed": 0}
    sys.stdout.write(json.dumps(took))


if __name__ == "__main__":
    ledger = Path(sys.argv[4])
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), ledger, sys.argv[5], is_new=not ledger.exists()))
