"""A world whose jobs report as check runs, and what its stand-in GitHub holds of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from github_apps import an_app, installation
from ledger_jobs import CREDENTIAL, SHA, accept, begin, end, order
from world import Clock, World, world_on

from domain.annotation import Annotation
from domain.delivery.check_output import Output
from domain.delivery.policy import Policy
from domain.delivery.report import RecordedReport
from domain.delivery.surface import SurfaceName
from domain.jobs.execution import Execution, Order
from domain.jobs.job_states import JobState
from fake_github.app import FakeGitHub
from fake_github.apps import Apps
from fake_github.surfaces.check_run_store import CheckRun
from fake_github.surfaces.surface import Rules
from storage.ledger import Ledger

FOREVER = 10 * 365 * 24 * 60 * 60.0
WARNINGS = 3


@asynccontextmanager
async def world_of_check_runs(
    ledger: Ledger, clock: Clock, *, rules: Rules | None = None, policy: Policy | None = None
) -> AsyncIterator[World]:
    """A world whose credential is the token of an App that may write check runs and statuses."""
    app = an_app(installation(checks="write", statuses="write"), token_seconds=FOREVER)
    github = FakeGitHub(rules, clock=clock, sleep=clock.sleep, apps=Apps([app]))
    async with world_on(ledger, clock, github=github, policy=policy) as world:
        at, now = app.installations[0], github.store.clock()
        world.tokens[CREDENTIAL] = github.apps.make(app, at, at.permissions, None, now=now, works_in=timedelta(0))[0]
        yield world


def checked(asked: Order) -> Order:
    """*asked*, to be reported as a check run."""
    return replace(asked, surface=SurfaceName.CHECK_RUN)


def output(warnings: int = WARNINGS) -> Output:
    """What a job shows that had so many warnings."""
    shown = tuple(
        Annotation("docs/index.md", line, line, "warning", f"warning {line}") for line in range(1, warnings + 1)
    )
    return Output(f"{warnings} warnings", f"{warnings} warnings, in a table", shown)


async def start(
    world: World, context: str = "docs/sphinx", *, flow_run_id: UUID | None = None, ledger: Ledger | None = None
) -> Execution:
    """Accept and begin a job; *ledger*: by the process that has opened this one."""
    execution = await accept(ledger or world.ledger, checked(order(context, flow_run_id=flow_run_id)))
    await begin(ledger or world.ledger, execution)
    return execution


async def finish(
    world: World, execution: Execution, state: JobState = JobState.SUCCEEDED, *, warnings: int = WARNINGS,
    ledger: Ledger | None = None,
) -> RecordedReport | None:  # fmt: skip
    """End a job that had so many warnings; *ledger*: as in `start`."""
    return await end(ledger or world.ledger, execution, state, output=output(warnings))


async def run_checked(world: World, state: JobState = JobState.SUCCEEDED, *, warnings: int = WARNINGS) -> Execution:
    """Run a job from acceptance to its end; nothing is sent."""
    execution = await start(world)
    await finish(world, execution, state, warnings=warnings)
    return execution


def runs(world: World, context: str = "docs/sphinx") -> list[CheckRun]:
    """The check runs that GitHub holds for a context, in the order of their creation."""
    return [run for run in world.github.check_runs("acme/site", SHA) if run.name == context]


def shown(world: World, context: str = "docs/sphinx") -> list[tuple[str, int]]:
    """What each check run of a context shows, in the order of their creation: its state and its annotations."""
    return [(run.conclusion or run.status, len(run.annotations)) for run in runs(world, context)]
