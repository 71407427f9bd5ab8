"""Jobs in a ledger, from acceptance to their end: what a flow records of them, without running a command."""

from uuid import UUID, uuid4

from domain.delivery.check_output import Conclusion, Output
from domain.delivery.report import RecordedReport
from domain.delivery.surface import SurfaceName
from domain.delivery.target import Target
from domain.jobs.execution import Execution, Order
from domain.jobs.job_states import JobState
from domain.process.identity import Process
from storage.jobs import jobs
from storage.ledger import Ledger

SHA = "3f2a91c0" * 5
CREDENTIAL = "env:TOKEN"
ME = Process("boot", 4711, 12345)
ACTOR = "test"


def order(
    context: str = "docs/sphinx", *, flow_run_id: UUID | None = None, sha: str = SHA, group: str | None = None,
    surface: SurfaceName = SurfaceName.STATUS,
) -> Order:  # fmt: skip
    """An order for a job that reports to *context*."""
    target = Target("acme/site", sha, context)
    url = f"https://github.com/acme/site/commit/{sha}"
    return Order(flow_run_id or uuid4(), "sphinx", {}, group, target, url, CREDENTIAL, surface=surface)


async def accept(ledger: Ledger, asked: Order) -> Execution:
    """Accept an order that no other process has accepted."""
    taken = await ledger.write(jobs.accept, asked, by=ME)
    assert isinstance(taken, Execution)
    return taken


async def begin(ledger: Ledger, execution: Execution) -> JobState | None:
    return await ledger.write(jobs.begin, execution.job_id, execution.number)


async def end(
    ledger: Ledger, execution: Execution, state: JobState = JobState.SUCCEEDED, words: str = "41 pages", *,
    credential: str = CREDENTIAL, output: Output | None = None, conclusion: Conclusion | None = None,
) -> RecordedReport | None:  # fmt: skip
    """End an execution; return the report of its outcome. *output*, *conclusion*: of its check run."""
    ended = await ledger.write(
        jobs.end, execution.job_id, execution.number, state, summary=words, exit_code=0, credential=credential,
        output=output, conclusion=conclusion,
    )  # fmt: skip
    return ended.report if ended else None


def recorded(report: RecordedReport | None) -> RecordedReport:
    """*report*, of a job that has a target."""
    assert report is not None
    return report


async def run_job(ledger: Ledger, asked: Order, state: JobState = JobState.SUCCEEDED) -> Execution:
    """Run a job from acceptance to its end: `pending` and the outcome are recorded, neither is sent."""
    execution = await accept(ledger, asked)
    await begin(ledger, execution)
    await end(ledger, execution, state, credential=asked.credential)
    return execution
