"""The stand-in has GitHub Apps: their JSON web tokens, installations and tokens, as GitHub describes them."""

import json

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github_apps import CLIENT_ID, an_app, app_token, installation, key_pair
from openapi_of_github import assert_described
from stand_in_rig import SteppedTime, in_process_client

from fake_github.app import FakeGitHub
from fake_github.apps import Apps
from fake_github.faults import Fault
from fake_github.surfaces.surface import Rules

SHA = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
MINT = "/app/installations/7/access_tokens"
STATUSES = f"/repos/acme/site/statuses/{SHA}"


@pytest.fixture
def github(time: SteppedTime) -> FakeGitHub:
    rules = Rules(renamed={"acme/old": "acme/site"})
    return FakeGitHub(rules, clock=time, sleep=time.sleep, apps=Apps([an_app()]))


def signed(time: SteppedTime, **claims: object) -> dict[str, str]:
    return {"authorization": f"Bearer {app_token(time.now, **claims)}"}  # type: ignore[arg-type]  # its own


async def mint(client: httpx.AsyncClient, time: SteppedTime, **body: object) -> httpx.Response:
    return await client.post(MINT, headers=signed(time), json=body)


async def token(client: httpx.AsyncClient, time: SteppedTime, **permissions: str) -> dict[str, str]:
    made = await mint(client, time, repositories=["site"], permissions=permissions or {"statuses": "write"})
    assert made.status_code == 201
    return {"authorization": f"Bearer {made.json()['token']}"}


async def test_an_app_its_installations_and_a_repositorys_are_as_described(
    client: httpx.AsyncClient, time: SteppedTime
) -> None:
    for path, url in (
        ("/app", "/app"),
        ("/repos/{owner}/{repo}/installation", "/repos/Acme/Site/installation"),
    ):
        answer = await client.get(url, headers=signed(time))
        assert answer.status_code == 200
        assert_described("checks", path, "get", answer)
    assert answer.json()["id"] == 7
    listed = (await client.get("/app/installations", headers=signed(time))).json()
    assert listed == [answer.json()]  # the list's own schema wants each account to be a user and an enterprise at once


async def test_a_token_is_as_described_and_of_the_new_format(client: httpx.AsyncClient, time: SteppedTime) -> None:
    made = await mint(client, time, repositories=["site"], permissions={"statuses": "write"})
    assert made.status_code == 201
    assert_described("checks", "/app/installations/{installation_id}/access_tokens", "post", made)
    body = made.json()
    assert body["token"].startswith("ghs_42_")
    assert 450 < len(body["token"]) < 600
    assert body["expires_at"] == "2026-03-01T13:00:00Z"
    assert body["permissions"] == {"metadata": "read", "statuses": "write"}
    assert [one["full_name"] for one in body["repositories"]] == ["acme/site"]
    headers = {"authorization": f"Bearer {body['token']}"}
    listed = await client.get("/installation/repositories", headers=headers)
    assert_described("checks", "/installation/repositories", "get", listed)
    assert [one["full_name"] for one in listed.json()["repositories"]] == ["acme/site"]


@pytest.mark.parametrize(
    ("claims", "status", "words"),
    [
        ({"ahead": 601}, 401, "'Expiration time' claim ('exp') is too far in the future"),
        ({"ahead": 0}, 401, "'Expiration time' claim ('exp') must be a numeric value representing the future time"),
        ({"back": -1}, 401, "'Issued at' claim ('iat') must be an Integer representing the time"),
        ({"key": key_pair(1)[0]}, 401, "A JSON web token could not be decoded"),
        ({"issuer": "Iv1.unknown"}, 404, "Integration not found"),
    ],
)
async def test_a_json_web_token_is_refused_in_githubs_words(
    client: httpx.AsyncClient, time: SteppedTime, claims: dict[str, object], status: int, words: str
) -> None:
    answer = await client.get("/app", headers=signed(time, **claims))
    assert (answer.status_code, answer.json()["message"][: len(words)]) == (status, words)
    assert (await client.get("/app", headers=signed(time, ahead=600, issuer="42"))).status_code == 200


async def test_what_is_no_json_web_token_is_no_apps(client: httpx.AsyncClient, time: SteppedTime) -> None:
    assert (await client.get("/app")).status_code == 401
    made = await token(client, time)
    assert (await client.get("/app", headers=made)).status_code == 401
    assert (await client.post(STATUSES, headers=signed(time), json={"state": "success"})).status_code == 401


@pytest.mark.parametrize(
    ("change", "body", "status", "words"),
    [
        ({"suspended": True}, {}, 403, "This installation has been suspended"),
        ({}, {"repositories": ["elsewhere"]}, 201, None),
        ({"repositories": ["acme/site"]}, {"repositories": ["elsewhere"]}, 422, "There is at least one repository"),
        ({}, {"permissions": {"issues": "write"}}, 422, "The permissions requested are not granted"),
        ({"permissions": {"statuses": "read"}}, {"permissions": {"statuses": "write"}}, 422, "The permissions requ"),
    ],
)
async def test_a_token_is_never_more_than_the_installation_has(
    client: httpx.AsyncClient, time: SteppedTime, github: FakeGitHub, *,
    change: dict[str, object], body: dict[str, object], status: int, words: str | None,
) -> None:  # fmt: skip
    github.apps.change(7, **change)
    made = await mint(client, time, **body)
    assert made.status_code == status
    assert words is None or made.json()["message"].startswith(words)


async def test_an_installation_that_is_gone_is_not_found_and_its_tokens_work_no_more(
    client: httpx.AsyncClient, time: SteppedTime, github: FakeGitHub
) -> None:
    made = await token(client, time)
    github.apps.uninstall(7)
    assert (await mint(client, time)).status_code == 404
    found = await client.get("/repos/acme/site/installation", headers=signed(time))
    assert found.status_code == 404
    assert_described("checks", "/repos/{owner}/{repo}/installation", "get", found)
    assert (await client.post(STATUSES, headers=made, json={"state": "success"})).status_code == 401


async def test_a_token_does_what_it_may_until_it_expires(
    client: httpx.AsyncClient, time: SteppedTime, github: FakeGitHub
) -> None:
    writes, reads = await token(client, time), await token(client, time, statuses="read")
    posted = await client.post(STATUSES, headers=writes, json={"state": "success"})
    assert posted.status_code == 201
    assert (await client.get(f"/repos/acme/site/commits/{SHA}/statuses", headers=reads)).status_code == 200
    refused = await client.post(STATUSES, headers=reads, json={"state": "success"})
    assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")
    assert refused.headers["x-accepted-github-permissions"] == "statuses=write"
    refused = await client.get(f"/repos/acme/site/commits/{SHA}", headers=writes)
    assert refused.headers["x-accepted-github-permissions"] == "contents=read"
    elsewhere = f"/repos/acme/other/statuses/{SHA}"
    assert (await client.post(elsewhere, headers=writes, json={"state": "success"})).status_code == 404
    time.advance(3599)
    assert (await client.post(STATUSES, headers=writes, json={"state": "success"})).status_code == 201
    time.advance(1)
    assert (await client.post(STATUSES, headers=writes, json={"state": "success"})).status_code == 401
    assert len(github.store.held()) == 2


async def test_suspended_and_revoked_tokens_are_refused(
    client: httpx.AsyncClient, time: SteppedTime, github: FakeGitHub
) -> None:
    made = await token(client, time)
    github.apps.change(7, suspended=True)
    assert (await client.post(STATUSES, headers=made, json={"state": "success"})).status_code == 403
    github.apps.change(7, suspended=False)
    assert (await client.post(STATUSES, headers=made, json={"state": "success"})).status_code == 201
    github.apps.revoke()
    assert (await client.post(STATUSES, headers=made, json={"state": "success"})).status_code == 401


async def test_a_new_token_may_be_unknown_for_some_seconds(
    client: httpx.AsyncClient, time: SteppedTime, github: FakeGitHub
) -> None:
    github.script.add(
        Fault.model_validate({"kind": "lag", "method": "POST", "endpoint": "access_tokens", "seconds": 3})
    )
    made = await token(client, time)
    assert (await client.post(STATUSES, headers=made, json={"state": "success"})).status_code == 401
    time.advance(3)
    assert (await client.post(STATUSES, headers=made, json={"state": "success"})).status_code == 201


@pytest.mark.parametrize(("where", "made"), [("before", 0), ("after", 1)])
async def test_a_fault_of_an_apps_request_strikes_before_or_after_it(
    client: httpx.AsyncClient, time: SteppedTime, github: FakeGitHub, where: str, made: int
) -> None:
    fault = {"kind": "server_error", "endpoint": "access_tokens", "where": where}
    github.script.add(Fault.model_validate(fault))
    assert (await client.post(STATUSES, json={"state": "success"})).status_code == 201  # another request
    assert (await mint(client, time)).status_code == 502
    assert len(github.apps.tokens) == made


@pytest.mark.parametrize("name", ["app", "installations", "installation"])
async def test_every_read_of_an_app_may_fail(
    client: httpx.AsyncClient, time: SteppedTime, github: FakeGitHub, name: str
) -> None:
    path = {"installation": "/repos/acme/site/installation", "installations": "/app/installations"}.get(name, "/app")
    github.script.add(Fault.model_validate({"kind": "server_error", "endpoint": name, "method": "GET"}))
    assert (await client.get(path, headers=signed(time))).status_code == 502
    assert (await client.get(path, headers=signed(time))).status_code == 200


async def test_a_renamed_repository_is_redirected_to_its_number(client: httpx.AsyncClient, time: SteppedTime) -> None:
    found = await client.get("/repos/acme/old/installation", headers=signed(time))
    assert found.status_code == 301
    assert_described("checks", "/repos/{owner}/{repo}/installation", "get", found)
    there = await client.get(found.headers["location"], headers=signed(time))
    assert there.json()["id"] == 7
    number = int(found.headers["location"].split("/")[-2])
    made = await mint(client, time, repository_ids=[number], permissions={"statuses": "write"})
    headers = {"authorization": f"Bearer {made.json()['token']}"}
    posted = await client.post(f"/repos/acme/old/statuses/{SHA}", headers=headers, json={"state": "success"})
    assert posted.status_code == 307
    assert (
        await client.post(posted.headers["location"], headers=headers, json={"state": "success"})
    ).status_code == 201


async def test_installations_have_a_rate_limit_each(time: SteppedTime) -> None:
    apps = Apps([an_app(installation(), installation(8, "other"))])
    async with in_process_client(FakeGitHub(clock=time, sleep=time.sleep, apps=apps)) as client:
        first, again = await token(client, time), await token(client, time)
        spent = [await client.post(STATUSES, headers=one, json={"state": "success"}) for one in (first, again)]
        assert [one.headers["x-ratelimit-used"] for one in spent] == ["1", "2"]


async def test_a_manifest_becomes_an_app_once(client: httpx.AsyncClient, time: SteppedTime, github: FakeGitHub) -> None:
    manifest = {
        "name": "Docs of acme", "url": "https://acme.test", "default_permissions": {"statuses": "write"},
        "redirect_url": "http://127.0.0.1:1/back",
    }  # fmt: skip
    page = await client.post("/organizations/acme/settings/apps/new?state=s", data={"manifest": json.dumps(manifest)})
    back = httpx.URL(page.headers["location"])
    assert back.params["state"] == "s"
    path = f"/app-manifests/{back.params['code']}/conversions"
    github.script.add(Fault.model_validate({"kind": "server_error", "endpoint": "conversion"}))
    assert (await client.post(path, headers={"authorization": ""})).status_code == 502
    made = await client.post(path, headers={"authorization": ""})
    assert_described("checks", "/app-manifests/{code}/conversions", "post", made)
    assert (await client.post(path)).status_code == 404
    body = made.json()
    load_pem_private_key(body["pem"].encode(), None)
    signed_by_it = {"authorization": f"Bearer {app_token(time.now, key=body['pem'], issuer=body['client_id'])}"}
    about = await client.get("/app", headers=signed_by_it)
    assert about.json()["permissions"] == {"statuses": "write"}
    assert about.json()["client_id"] == body["client_id"] != CLIENT_ID
