"""The warning when Prefect could not be asked or updated."""

import httpx
import respx

from tasks.operations.best_effort import best_effort


async def test_prefects_answer_is_logged_without_the_user_of_its_address(logged: list[str]) -> None:
    async def ask() -> None:
        async with httpx.AsyncClient() as client:
            (await client.get("http://ann:pa55word@prefect.test/api/x")).raise_for_status()

    with respx.mock() as net:
        net.get("http://prefect.test/api/x").respond(500)
        await best_effort(ask())
    (line,) = logged
    assert "prefect.test/api/x" in line
    assert "pa55word" not in line
