"""The stand-in's pages show check runs above statuses: output, annotations by file, and every run, escaped."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from check_run_rig import SHA, annotation, client_of_app, created, github_with_app, output, update
from stand_in_rig import SteppedTime

from fake_github.app import FakeGitHub

PAGE = f"/acme/site/commit/{SHA}"
HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def github(time: SteppedTime) -> FakeGitHub:
    return github_with_app(time)


@pytest.fixture
async def client(github: FakeGitHub) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of_app(github) as client:
        yield client


async def test_a_check_run_stands_above_the_statuses_with_its_output(client: httpx.AsyncClient) -> None:
    await client.post(f"/repos/acme/site/statuses/{SHA}", json={"state": "success", "context": "docs/a"})
    number = (await created(client, details_url="https://x.test/?a=1&b"))["id"]
    first, second = annotation(9, path="b.md"), annotation(2, path="a.md", end_line=4, title="toctree")
    said = output(first, second, title="2 warnings", summary="**Built** 1 page\n\n| a | b |\n| - | - |\n| c | d |")
    await update(client, number, conclusion="failure", output=said)
    page = (await client.get(PAGE)).text
    shown, history = page.split('id="runs"')
    for before, after in (("2 warnings", "docs/a"), ("a.md", "b.md"), ("<strong>Built</strong>", "<td>c</td>")):
        assert 0 < shown.index(before) < shown.index(after)
    assert "Lines 2 to 4" in shown
    assert "Line 9" in shown
    assert "toctree" in shown
    assert 'href="https://x.test/?a=1&amp;b"' in shown
    assert "1 failing, 1 successful checks" in shown
    assert str(number) in history


async def test_a_doubled_run_is_seen_and_the_newest_counts(client: httpx.AsyncClient) -> None:
    first = (await created(client))["id"]
    await update(client, first, conclusion="failure")
    await update(client, (await created(client))["id"], conclusion="success")
    page = (await client.get(PAGE)).text
    assert "All checks have passed" in page
    assert '<span class="count">2</span>' in page


async def test_text_of_check_runs_is_escaped_everywhere(client: httpx.AsyncClient) -> None:
    url = f"https://x.test/{HOSTILE}"
    number = (await created(client, name=HOSTILE, external_id=HOSTILE, details_url=url))["id"]
    summary = f"{HOSTILE} ![i](https://evil.test/i.png) [l](javascript:alert(1)) <img src=x onerror=alert(1)>"
    told = annotation(path=HOSTILE, message=HOSTILE, title=HOSTILE)
    await update(client, number, output=output(told, title=HOSTILE, summary=summary))
    for path in (PAGE, "/"):
        page = (await client.get(path)).text
        assert "<script" not in page
        assert "<img" not in page
        assert 'href="javascript' not in page
        assert "onerror" not in re.sub(r"&lt;img.*?&gt;", "", page)
    assert (await client.get(PAGE)).text.count("&lt;script&gt;") >= 8


@pytest.mark.parametrize(
    ("conclusion", "headline"),
    [
        ("success", "All checks have passed"), ("neutral", "All checks have passed"),
        ("skipped", "All checks have passed"), ("failure", "Some checks were not successful"),
        ("cancelled", "Some checks were not successful"), ("timed_out", "Some checks were not successful"),
        ("action_required", "Some checks were not successful"), (None, "Some checks have not completed yet"),
    ],
)  # fmt: skip
async def test_every_conclusion_has_an_icon_with_a_name(
    client: httpx.AsyncClient, *, conclusion: str | None, headline: str
) -> None:
    number = (await created(client))["id"]
    if conclusion:
        await update(client, number, conclusion=conclusion)
    page = (await client.get(PAGE)).text
    assert f'role="img" aria-label="{conclusion or "in_progress"}"' in page
    assert headline in page
    assert f'href="{PAGE}"' in (await client.get("/")).text
