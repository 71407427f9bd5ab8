"""Verification in tests: sends a request late or another tool's status, and runs a verification."""

from ledger_jobs import SHA, accept, begin, end, order, run_job
from sqlmodel import col, select
from world import World

from domain.delivery.report import EventKind
from fake_github.store import Draft
from storage.models import ReportEvent, StatusReport, StatusTarget
from tasks.delivery.verify import to_verify, verify_target


async def reports(world: World) -> list[StatusReport]:
    with world.ledger.transaction() as tx:
        return list(tx.session.exec(select(StatusReport)))


async def kinds(world: World) -> list[str]:
    with world.ledger.transaction() as tx:
        return list(tx.session.exec(select(ReportEvent.kind)))


async def verify_targets(world: World) -> int:
    """Run all requested verifications; return the number of repaired targets."""
    return sum([await verify_target(world.reporter, target_id) for target_id in await to_verify(world.reporter)])


async def request_verification(world: World) -> None:
    with world.ledger.transaction() as tx:
        target = tx.session.exec(select(StatusTarget)).one()
        target.verify_at = world.clock.now
        tx.session.add(target)


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


def override(world: World, context: str = "docs/sphinx", state: str = "failure") -> int:
    """Post another tool's status of the same context; return GitHub's id of it."""
    draft = Draft(repository="acme/site", sha=SHA, context=context, state=state, target_url="https://x.test")
    status = world.github.store.drafted(draft)
    world.github.store.add(status)
    return status.id


async def notes(world: World, kind: EventKind) -> list[str]:
    with world.ledger.transaction() as tx:
        found = select(ReportEvent.note).where(ReportEvent.kind == kind).order_by(col(ReportEvent.id))
        return [note or "" for note in tx.session.exec(found)]


async def verify(world: World) -> bool:
    return await verify_target(world.reporter, await world.target_id())


async def verify_a_minute_later(world: World) -> bool:
    """Run a requested verification a minute from now; return whether it repaired."""
    await request_verification(world)
    world.clock.advance(60)
    return await verify(world)


async def outcome_after_pending(world: World) -> None:
    """Deliver `pending` and the outcome, a minute apart, and request a verification."""
    execution = await accept(world.ledger, order())
    await world.deliver()
    world.clock.advance(60)
    await begin(world.ledger, execution)
    await end(world.ledger, execution)
    await world.deliver()
    await request_verification(world)
