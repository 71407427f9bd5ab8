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
    """Run all requested verifications; return the number of repaired targets."""
    return sum([await verify_target(world.reporter, target_id) for target_id in await to_verify(world.reporter)])


async def request_verification(world: World) -> None:
    async with world.ledger.transaction() as session:
        target = (await session.exec(select(StatusTarget))).one()
        target.verify_at = world.clock.now
        session.add(target)


def send_late(world: World, report: StatusReport) -> None:
    """Store a report's status at GitHub as a late request does: no sender gets a reply."""
    world.github.store.add(
        world.github.store.drafted(
            Draft(
                repository="acme/site", sha=SHA, context="docs/sphinx", state=report.state,
                description=report.description, target_url=report.target_url,
            )
        )
    )  # fmt: skip


async def delivered(world: World) -> list[StatusReport]:
    """Deliver a job's outcome and request a verification of its target; return its reports."""
    await run_job(world.ledger, order())
    await world.deliver()
    await request_verification(world)
    return await reports(world)
