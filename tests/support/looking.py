"""Verification in tests: sends a request late, and runs a verification."""

from sqlmodel import select
from world import SHA, World, order, run_job

from fake_github.store import Draft
from storage.models import ReportEvent, StatusReport, StatusTarget
from tasks.delivery.verify import to_verify, verify_target


async def reports(world: World) -> list[StatusReport]:
    async with world.ledger.transaction() as session:
        return list(await session.exec(select(StatusReport)))


async def kinds(world: World) -> list[str]:
    async with world.ledger.transaction() as session:
        return list(await session.exec(select(ReportEvent.kind)))


async def verify_targets(world: World) -> int:
    """Look wherever a look is asked for; how many were repaired."""
    return sum([await verify_target(world.reporter, target_id) for target_id in await to_verify(world.reporter)])


async def ask_for_a_look(world: World) -> None:
    async with world.ledger.transaction() as session:
        target = (await session.exec(select(StatusTarget))).one()
        target.verify_at = world.clock.now
        session.add(target)


def send_late(world: World, report: StatusReport) -> None:
    """GitHub stores a report's status that nobody answers for."""
    world.github.store.add(
        world.github.store.drafted(
            Draft(
                repository="acme/site", sha=SHA, context="docs/sphinx", state=report.state,
                description=report.description, target_url=report.target_url,
            )
        )
    )  # fmt: skip


async def delivered(world: World) -> list[StatusReport]:
    """A job whose outcome GitHub shows, and whose target is to be looked at."""
    await run_job(world.ledger, order())
    await world.deliver()
    await ask_for_a_look(world)
    return await reports(world)
