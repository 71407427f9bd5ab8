"""Runs jobs that report as check runs, from acceptance to their end; what is not delivered, later runs deliver."""

import os
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from benchmarks.deliveries import SHA
from domain.annotation import Annotation
from domain.delivery.check_output import Output
from domain.delivery.report import RecordedReport
from domain.delivery.surface import SurfaceName
from domain.delivery.target import Target
from domain.jobs.execution import EndStored, Execution, Order
from domain.jobs.job_states import JobState
from domain.process.identity import Process
from storage.jobs import jobs
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter


def output(warnings: int) -> Output:
    """What a job shows that had so many warnings, one a line."""
    lines = range(1, warnings + 1)
    shown = tuple(Annotation("docs/index.md", line, line, "warning", f"warning {line}") for line in lines)
    return Output(f"{warnings} warnings", f"{warnings} warnings, in a table", shown)


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs of one credential with so many warnings each."""

    reporter: Reporter
    credential: str
    warnings: int

    async def run(self, context: str) -> None:
        """Run a job: one try to show that it has begun, and one to show how it ended."""
        write = self.reporter.ledger.write
        target, url = Target("acme/site", SHA, context), "https://github.com/acme/site"
        order = Order(uuid4(), "sphinx", {}, None, target, url, self.credential, surface=SurfaceName.CHECK_RUN)
        taken = await write(jobs.accept, order, by=Process("boot", os.getpid(), 1))
        assert isinstance(taken, Execution)
        await write(jobs.begin, taken.job_id, taken.number)
        await self._deliver(taken.report)
        end = partial(jobs.end, summary="41 pages", exit_code=0, credential=self.credential)
        ended = await write(end, taken.job_id, taken.number, JobState.SUCCEEDED, output=output(self.warnings))
        assert isinstance(ended, EndStored)
        await self._deliver(ended.report)

    async def _deliver(self, report: RecordedReport | None) -> None:
        assert report is not None
        await deliver(self.reporter, report.target_id, job_ends_now=True)
