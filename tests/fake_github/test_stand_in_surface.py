"""The stand-in shows what its surface says: one that is updated stands for all that commit statuses are not."""

import re
from dataclasses import replace

import httpx
import pytest
from stand_in_rig import SteppedTime

from fake_github.answers.refusals import not_found, refusal
from fake_github.app import FakeGitHub
from fake_github.exchange import Answer, Json
from fake_github.faults import Fault, Kind
from fake_github.store import Draft, Stored
from fake_github.surfaces.surface import AT_ONCE, REPOSITORY, Endpoint, Visit

SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
NOTES = "/repos/octo/docs/notes"


class Notes:
    """Notes name their commit in the body, are updated by their id, and are listed with their newest state."""

    permission = "notes"

    def __init__(self) -> None:
        self.foreign: Json = {"name": "another"}
        one, listed = re.compile(REPOSITORY + r"/notes/(?P<ref>\d+)"), r"/commits/(?P<ref>[^/]+)/notes"
        self.endpoints = (
            Endpoint("POST", re.compile(f"{REPOSITORY}/notes"), self._create, self._names),
            Endpoint("PATCH", one, self._update, self._names),
            Endpoint("GET", re.compile(REPOSITORY + listed), self._list),
        )

    def body(self, stored: Stored, _base_url: str) -> Json:
        return {"id": stored.id, "name": stored.context, "state": stored.state}

    def too_many(self) -> Answer:
        return refusal(422, "Too many notes.")

    @staticmethod
    def _names(asked: Json) -> Json:
        return {"context": asked.get("name"), "state": asked.get("state")}

    def _create(self, visit: Visit) -> Answer:
        asked = {name: str(value) for name, value in (visit.call.asked() or {}).items()}
        draft = Draft(repository=visit.repository, sha=asked["head_sha"], context=asked["name"], state=asked["state"])
        note = visit.store.drafted(draft, after=visit.timing.store_in or AT_ONCE)
        return Answer(201, self.body(note, ""), stored_id=visit.keep(note))

    def _update(self, visit: Visit) -> Answer:
        versions = [one for one in visit.store.held() if one.id == int(visit.ref)]
        if not versions:
            return not_found()
        at = visit.store.clock() + (visit.timing.store_in or AT_ONCE)
        state = str((visit.call.asked() or {}).get("state"))
        note = replace(versions[-1], state=state, created_at=at)
        return Answer(200, self.body(note, ""), stored_id=visit.keep(note))

    def _list(self, visit: Visit) -> Answer:
        newest = {one.id: one for one in reversed(visit.shown())}
        shown, links = visit.page([*newest.values()], "notes")
        return Answer(200, [self.body(one, "") for one in shown], links)


@pytest.fixture
def github(time: SteppedTime) -> FakeGitHub:
    return FakeGitHub(surface=Notes(), clock=time, sleep=time.sleep)


async def created(client: httpx.AsyncClient) -> str:
    response = await client.post(NOTES, json={"head_sha": SHA, "name": "docs", "state": "pending"})
    assert response.status_code == 201
    return f"{NOTES}/{response.json()['id']}"


async def states(client: httpx.AsyncClient) -> list[str]:
    return [note["state"] for note in (await client.get(f"/repos/octo/docs/commits/{SHA}/notes")).json()]


async def test_what_a_surface_creates_it_may_update(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    note = await created(client)
    assert (await client.patch(note, json={"state": "success"})).status_code == 200
    assert await states(client) == ["success"]
    assert [one.state for one in github.store.held()] == ["pending", "success"]
    assert (await client.post(f"/repos/octo/docs/statuses/{SHA}", json={"state": "success"})).status_code == 404


@pytest.mark.parametrize(("where", "shown"), [("before", "pending"), ("after", "success")])
async def test_a_fault_of_an_update_comes_before_or_after_it(
    client: httpx.AsyncClient, github: FakeGitHub, *, where: str, shown: str
) -> None:
    note = await created(client)
    github.script.add(Fault.model_validate({"kind": Kind.CLOSE, "method": "PATCH", "where": where, "state": "success"}))
    with pytest.raises(httpx.RemoteProtocolError):
        await client.patch(note, json={"state": "success"})
    assert await states(client) == [shown]


async def test_an_update_may_be_stored_late_and_read_late(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime
) -> None:
    note = await created(client)
    github.script.add(
        Fault(kind=Kind.SERVER_ERROR, method="PATCH", stored_after=10), Fault(kind=Kind.LAG, seconds=5, times=0)
    )
    assert (await client.patch(note, json={"state": "success"})).status_code == 502
    seen = []
    for seconds in (5, 5, 5):
        time.advance(seconds)
        seen += await states(client)
    assert seen == ["pending", "pending", "success"]


async def test_refusals_and_foreign_replies_are_the_surfaces_own(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    github.script.add(*(Fault(kind=kind) for kind in (Kind.FORBIDDEN, Kind.TOO_MANY, Kind.FOREIGN)))
    body = {"head_sha": SHA, "name": "docs", "state": "pending"}
    forbidden, full, foreign = [await client.post(NOTES, json=body) for _ in range(3)]
    assert forbidden.headers["x-accepted-github-permissions"] == "notes=write"
    assert full.json()["message"] == "Too many notes."
    assert foreign.json()["name"] == "another"
    assert [seen.context for seen in github.requests.seen] == ["docs"] * 3
