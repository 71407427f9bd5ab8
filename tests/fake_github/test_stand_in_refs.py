"""The stand-in resolves branches, tags and abbreviated hashes."""

import httpx
import pytest
from stand_in_rig import in_process_client

from fake_github.app import FakeGitHub
from fake_github.surfaces.surface import Rules

ONE, OTHER, THIRD = "3f2a91c0" * 5, "3f2a91c1" * 5, "6dcb09b5b57875f334f61aebed695e2e4193db5e"
REFS = {"main": ONE, "feature/menu": OTHER, "v1.0": THIRD}


async def sha_of(ref: str, commits: frozenset[str] | None = None) -> httpx.Response:
    async with in_process_client(FakeGitHub(Rules(refs=REFS, commits=commits))) as client:
        return await client.get(f"/repos/octo/docs/commits/{ref}", headers={"accept": "application/vnd.github.sha"})


@pytest.mark.parametrize(
    ("ref", "sha"),
    [
        ("main", ONE),
        ("heads/main", ONE),
        ("feature/menu", OTHER),
        ("feature%2Fmenu", OTHER),
        ("tags/v1.0", THIRD),
        ("3f2a91c03", ONE),
        ("6dcb", THIRD),
        ("A" * 40, "a" * 40),
    ],
)
async def test_a_name_or_a_beginning_stands_for_one_commit(ref: str, sha: str) -> None:
    assert (await sha_of(ref)).text == sha


@pytest.mark.parametrize("ref", ["nothing", "3f2a", "6dc", "ffff"])
async def test_an_unknown_or_ambiguous_name_is_refused_in_githubs_words(ref: str) -> None:
    response = await sha_of(ref)
    assert (response.status_code, response.json()["message"]) == (422, f"No commit found for SHA: {ref}")


async def test_where_commits_are_known_others_are_none() -> None:
    assert (await sha_of("a" * 40, frozenset({ONE}))).status_code == 422
    assert (await sha_of("v1.0", frozenset({ONE}))).text == THIRD
