"""Resolves a name to a commit by asking GitHub."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import JsonValue
from waiting import LONGEST

from fake_github.app import FakeGitHub
from fake_github.faults import Fault, Kind
from fake_github.in_process import InProcessTransport
from fake_github.surfaces.surface import Rules
from github_api.refs import Commits, NoAnswer, NoSuchRef, PullHead

SHA = "3f2a91c0" * 5


async def asked(transport: httpx.AsyncBaseTransport, ref: str = "feature/menu") -> str | NoSuchRef | NoAnswer:
    timeout = timedelta(seconds=LONGEST)
    async with Commits("https://api.github.test", timeout, lambda: datetime.now(UTC), transport) as github:
        return await github.sha_of("acme/site", ref, "token")


def github(*faults: Fault) -> FakeGitHub:
    made = FakeGitHub(Rules(refs={"feature/menu": SHA}))
    made.script.add(*faults)
    return made


async def test_a_name_becomes_the_hash_of_its_commit_by_one_request() -> None:
    known = github()
    assert await asked(InProcessTransport(known)) == SHA
    assert [seen.method for seen in known.requests.seen] == ["GET"]


@pytest.mark.parametrize("ref", ["none", "../../acme/other", "3f2a?x=1", "#", " "])
async def test_a_name_of_nothing_leads_nowhere_else(ref: str) -> None:
    came = await asked(InProcessTransport(github()), ref)
    assert isinstance(came, NoSuchRef)


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (Fault(method="GET", kind=Kind.NOT_FOUND), NoSuchRef, "HTTP 404: Not Found"),
        (Fault(method="GET", kind=Kind.BAD_CREDENTIALS), NoSuchRef, "HTTP 401: Bad credentials"),
        (Fault(method="GET", kind=Kind.SECONDARY_LIMIT, status=429), NoAnswer, "HTTP 429: "),
        (Fault(method="GET", kind=Kind.SECONDARY_LIMIT, status=403), NoAnswer, "HTTP 403: "),
        (Fault(method="GET", kind=Kind.PRIMARY_LIMIT), NoAnswer, "HTTP 403: API rate limit exceeded"),
        (Fault(method="GET", kind=Kind.PRIMARY_LIMIT, status=429), NoAnswer, "HTTP 429: API rate limit exceeded"),
        (Fault(method="GET", kind=Kind.INTERMEDIARY), NoAnswer, "something before GitHub answered"),
        (Fault(method="GET", kind=Kind.INTERMEDIARY, status=404), NoAnswer, "something before GitHub answered"),
        (Fault(method="GET", kind=Kind.SERVER_ERROR), NoAnswer, "HTTP 502: Server Error"),
        (Fault(method="GET", kind=Kind.HTML), NoAnswer, "HTTP 502"),
        (Fault(method="GET", kind=Kind.CLOSE), NoAnswer, "RemoteProtocolError"),
        (Fault(method="GET", kind=Kind.BOMB), NoAnswer, "DecodingError: the reply came compressed"),
        (
            Fault(method="GET", kind=Kind.ANSWER, status=200, body="<html>Log in</html>"),
            NoSuchRef,
            "HTTP 200 with a body that is no",
        ),
    ],
)
async def test_a_failed_request_is_distinguished_from_a_refusal(fault: Fault, kind: type, words: str) -> None:
    came = await asked(InProcessTransport(github(fault)))
    assert isinstance(came, kind)
    assert not isinstance(came, str)
    assert came.why.startswith(words)


async def head_of(body: JsonValue, status: int = 200) -> PullHead | NoSuchRef | NoAnswer:
    transport = InProcessTransport(github(Fault(method="GET", kind=Kind.ANSWER, status=status, body=body)))
    timeout = timedelta(seconds=LONGEST)
    async with Commits("https://api.github.test", timeout, lambda: datetime.now(UTC), transport) as asking:
        return await asking.head_of("acme/site", 7, "token")


async def test_a_pull_request_has_its_head_where_it_is() -> None:
    assert await head_of({"head": {"sha": SHA, "repo": {"full_name": "acme/site"}}}) == PullHead(SHA, "acme/site")
    assert await head_of({"head": {"sha": SHA, "repo": None}}) == PullHead(SHA, None)
    assert await head_of({"number": 7}) == NoSuchRef("HTTP 200 with a body that is no pull request")
    assert await head_of({"message": "Not Found"}, 404) == NoSuchRef("HTTP 404: Not Found")
