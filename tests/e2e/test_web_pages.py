"""What a web page or outside text can do to a Prefect server that we start."""

from http import HTTPStatus

import httpx
import pytest
from e2e_rig import DOCS_JOB, Rig

from local.prefect_api import Refused

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.together]

EVIL = "https://evil.example"
FORM = {"Content-Type": "text/plain"}
"""What a page may send elsewhere without asking first: https://fetch.spec.whatwg.org/#simple-header"""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": EVIL, **FORM}, HTTPStatus.FORBIDDEN),
        ({"Origin": "null", **FORM}, HTTPStatus.FORBIDDEN),
        ({"Host": "evil.example"}, HTTPStatus.MISDIRECTED_REQUEST),
        ({}, HTTPStatus.FORBIDDEN),  # a browser that names no origin has no CSRF token
    ],
)
async def test_a_web_page_starts_no_job(rig: Rig, headers: dict[str, str], status: HTTPStatus) -> None:
    async with httpx.AsyncClient(base_url=rig.api_url, trust_env=False) as page:
        deployment = (await page.get(f"/deployments/name/{DOCS_JOB}")).json()["id"]
        asked = {"parameters": {"job": "told", "options": {"name": "evil"}}}
        answer = await page.post(f"/deployments/{deployment}/create_flow_run", json=asked, headers=headers)
        read = await page.get("/health", headers={"Origin": EVIL})
    assert answer.status_code == status
    assert read.status_code == HTTPStatus.FORBIDDEN
    assert "access-control-allow-origin" not in read.headers


async def test_half_an_emoji_is_refused_and_stops_nothing(rig: Rig) -> None:
    with pytest.raises(Refused, match="half of a surrogate pair"):
        await rig.prefect.start(DOCS_JOB, {"job": "told", "options": {"name": "half \ud83d"}})
    run = await rig.start("after-half-an-emoji")
    await run.is_at_work()
    run.go()
    await run.shows("pending", "success", within=30)
