"""The moves of a target, as docs/guarantee.md draws and lists them: no other happens, and each of them does."""

import re

import pytest
from documents import GUARANTEE, section
from ledger_jobs import accept, begin, end, order, run_job
from sqlalchemy import text
from steps import Died
from world import World

from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.ledger import Ledger

MOVES = section(GUARANTEE, "The moves of a target")
MOVE = re.compile(r"^\| ([a-z]) \| (\w+) → (\w+) \|", re.MULTILINE)

STATE = "CASE WHEN {0}.lease IS NOT NULL THEN 'sending' WHEN {0}.due_at IS NOT NULL THEN 'due' ELSE 'settled' END"
TRIGGER = """
    CREATE TRIGGER observe AFTER UPDATE ON status_target WHEN {before} <> {after}
    BEGIN INSERT INTO move VALUES ({before}, {after}); END
""".format(before=STATE.format("OLD"), after=STATE.format("NEW"))  # noqa: S608  # of constants


@pytest.fixture
def ledger_url(fresh_url: str) -> str:
    """A ledger of the test's own: it gets a trigger."""
    return fresh_url


def listed() -> dict[str, tuple[str, str]]:
    return {letter: (before, after) for letter, before, after in MOVE.findall(MOVES)}


def test_the_drawing_has_the_moves_and_states_of_the_table() -> None:
    drawing = MOVES.split("```")[1]
    assert set(re.findall(r"\b([a-z]): ", drawing)) == listed().keys()
    assert set(re.findall(r"\b(settled|due|sending)\b", drawing)) == {
        state for move in listed().values() for state in move
    }


async def observed(ledger: Ledger) -> set[tuple[str, str]]:
    with ledger.engine.connect() as connection:
        rows = connection.execute(text("SELECT DISTINCT before, after FROM move"))
        return {(before, after) for before, after in rows}


async def die_before_the_request(effect: str) -> None:
    if effect == "POST":
        raise Died


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_target_makes_the_moves_that_are_drawn_and_no_other(world: World) -> None:
    with world.ledger.engine.begin() as connection:
        connection.execute(text("CREATE TABLE move (before TEXT, after TEXT)"))
        connection.execute(text(TRIGGER))
    drawn = listed()
    world.fault(Kind.CLOSE, where="after")
    begun = await accept(world.ledger, order())  # a
    await world.deliver()  # b, and d: its reply is lost
    assert await observed(world.ledger) == {drawn["a"], drawn["b"], drawn["d"]}
    world.clock.advance(60)
    await world.deliver()  # c: found
    assert await observed(world.ledger) == {drawn["a"], drawn["b"], drawn["c"], drawn["d"]}
    await begin(world.ledger, begun)
    await end(world.ledger, begun, JobState.SUCCEEDED)
    world.fault(Kind.ARCHIVED)
    await world.deliver()  # c: rejected
    assert await world.reopen()  # a
    with pytest.raises(Died):
        await world.deliver(by=await world.sender(die_before_the_request))
    world.clock.advance(60)
    await world.reconcile()  # e, b and c
    await run_job(world.ledger, order())  # the same job: nothing new
    assert world.held() == ["pending", "success"]
    assert await observed(world.ledger) == set(drawn.values())
