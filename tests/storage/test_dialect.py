"""Every text of a request fits its column: SQLite enforces no length, PostgreSQL does."""

from dataclasses import replace

from ledger_jobs import SHA, order, run_job
from world import World

from domain.delivery.target import Target

LONGEST = {
    "letters": "c" * 255,
    "letters that are longer in lower case": "İ" * 127 + "a",
    "characters of four bytes": "😀" * 255,
}


async def test_the_longest_of_every_text_is_stored_and_delivered(world: World) -> None:
    for context in LONGEST.values():
        target = Target(f"{'o' * 100}/{'R' * 99}", SHA, context)
        url = "https://x/?q#" + "y" * 1987
        asked = replace(order(), type="t" * 50, exclusive_group="g" * 50, target=target, url=url)
        await run_job(world.ledger, asked)
        assert (await world.target(context)).key == target.key
        await world.deliver(context)
    assert len(world.github.store.held()) == len(LONGEST)
