"""The stand-in's pages show every status, escaped."""

import re

import httpx
import pytest

from fake_github.app import FakeGitHub

SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
PAGE = f"/octo/docs/commit/{SHA}"
HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def github() -> FakeGitHub:
    return FakeGitHub()


async def post(client: httpx.AsyncClient, **fields: str) -> None:
    response = await client.post(f"/repos/octo/docs/statuses/{SHA}", json={"state": "success", **fields})
    assert response.status_code == 201


async def test_the_latest_status_of_each_context_is_shown_with_its_link(client: httpx.AsyncClient) -> None:
    await post(client, context="docs/build", state="pending", description="Building")
    await post(client, context="docs/build", description="Built 12 pages", target_url="https://x.test/1?a=b&c#r")
    await post(client, context="docs/links", state="failure", description="3 broken links")
    page = (await client.get(PAGE)).text
    checks, history = page.split('id="history"')
    assert "Some checks were not successful" in checks
    assert "1 failing, 1 successful checks" in checks
    assert "Built 12 pages" in checks
    assert "Building" not in checks
    assert 'href="https://x.test/1?a=b&amp;c#r"' in checks
    assert history.index("3 broken links") < history.index("Built 12 pages") < history.index("Building")


async def test_a_doubled_status_is_seen(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        await post(client, context="docs/build", description="Built")
    page = (await client.get(PAGE)).text
    assert '<span class="count">2</span>' in page
    assert len(re.findall(r"<code>1035867\d+</code>", page)) == 2


async def test_text_is_escaped_everywhere(client: httpx.AsyncClient) -> None:
    await post(client, context=HOSTILE, description=HOSTILE, target_url=f"https://x.test/{HOSTILE}")
    for path in (PAGE, "/", f"/octo/docs/commit/{HOSTILE.replace('/', '')}", "/<b>/<i>/commit/0"):
        page = (await client.get(path)).text
        assert "<script" not in page
        assert "<b>" not in page
        assert "$" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;" in (await client.get(PAGE)).text


async def test_a_status_without_a_link_has_no_details(client: httpx.AsyncClient) -> None:
    await post(client)
    assert "Details" not in (await client.get(PAGE)).text


@pytest.mark.parametrize("state", ["success", "failure", "error", "pending"])
async def test_every_state_has_an_icon_with_a_name(client: httpx.AsyncClient, state: str) -> None:
    await post(client, state=state)
    assert f'role="img" aria-label="{state}"' in (await client.get(PAGE)).text


async def test_a_commit_without_statuses_says_so(client: httpx.AsyncClient) -> None:
    assert "No status has been reported for this commit." in (await client.get(PAGE)).text
    assert "No status has been reported yet." in (await client.get("/")).text


async def test_the_home_page_leads_to_the_commits(client: httpx.AsyncClient) -> None:
    await post(client)
    home = (await client.get("/")).text
    (link,) = re.findall(r'<li>.*href="([^"]+)"', home)
    assert (await client.get(link)).status_code == 200
    assert link == PAGE
