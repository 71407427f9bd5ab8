"""A checkout outlives what passes at its host, and follows a repository that was renamed."""

import shutil

import pytest
from git_host import CUT, TOKEN, Host
from pushing import PUSH
from repositories import Origin, write

from domain.git.checkout import Checkout
from tasks.git.checkout import CheckoutFailed, working_copy
from tasks.git.push import push_changes


@pytest.mark.parametrize("faults", [[503], [500, 502], [504], [429, 429, 429], [408], [CUT], [CUT, 503, CUT]])
async def test_what_passes_at_the_host_is_tried_again(faults: list[int], origin: Origin, host: Host) -> None:
    host.faults = faults
    sha = origin.head("main") or ""
    async with working_copy(f"{host.url}/origin.git", sha, token=TOKEN) as copy:
        assert (copy / "docs" / "page.md").read_text() == "old"
    assert host.faults == []


async def test_a_later_answer_that_is_cut_off_is_asked_for_again(origin: Origin, host: Host) -> None:
    url, sha = f"{host.url}/origin.git", origin.head("main") or ""

    class Later(list[int]):
        """A fault at one request only."""

        def __bool__(self) -> bool:
            return len(host.seen) == 2

        def pop(self, *_: object) -> int:
            return CUT

    host.faults = Later()
    async with working_copy(url, sha, token=TOKEN) as copy:
        assert (copy / "docs" / "page.md").exists()
    assert len(host.seen) == 4


@pytest.mark.parametrize(("answer", "said"), [(503, "error: 503"), (429, "error: 429")])
async def test_what_does_not_pass_ends_with_the_checkouts_limit_and_the_hosts_answer(
    answer: int, said: str, origin: Origin, host: Host
) -> None:
    host.faults = [answer] * 10_000
    with pytest.raises(
        CheckoutFailed, match=rf"{said}.* \(not done within 3 s: checkout.timeout bounds it, tried \d+ times\)"
    ):
        async with working_copy(
            f"{host.url}/origin.git", origin.head("main") or "", token=TOKEN, checkout=Checkout(timeout=3)
        ):
            pytest.fail("the host has no answer")
    assert len(host.seen) >= 2


@pytest.mark.parametrize("answer", [401, 403, 404, 410])
async def test_a_refusal_is_not_tried_again(answer: int, origin: Origin, host: Host) -> None:
    host.faults = [answer] * 3
    with pytest.raises(CheckoutFailed):
        async with working_copy(f"{host.url}/origin.git", origin.head("main") or "", token=TOKEN):
            pytest.fail("it was refused")
    assert len(host.seen) <= 2


async def test_a_commit_that_is_not_there_is_not_asked_for_again(host: Host) -> None:
    with pytest.raises(CheckoutFailed, match="not our ref"):
        async with working_copy(f"{host.url}/origin.git", "1" * 40, token=TOKEN):
            pytest.fail("there is no such commit")
    assert len(host.seen) == 2


@pytest.mark.parametrize("to", ["/new.git", "{host}/new.git", "{host}/moved/new.git"])
async def test_a_renamed_repository_is_followed_on_its_host_also_by_the_push(
    to: str, origin: Origin, host: Host
) -> None:
    place = to.format(host="").removeprefix("/")
    new = origin.bare.parent / place
    new.parent.mkdir(exist_ok=True)
    shutil.move(origin.bare, new)
    origin.bare = new
    host.moved = {"/origin.git": to.format(host=host.url)}
    url, sha = f"{host.url}/origin.git", origin.head("main") or ""
    async with working_copy(url, sha, token=TOKEN) as copy:
        write(copy, docs__page_md="new")
        await push_changes(copy, PUSH, clone_url=url, sha=sha, token=TOKEN, message="update")
    assert origin.files("main") == {"docs/page.md": "new"}


async def test_a_repository_that_was_renamed_twice_is_followed(origin: Origin, host: Host) -> None:
    shutil.move(origin.bare, origin.bare.parent / "new.git")
    origin.bare = origin.bare.parent / "new.git"
    host.moved = {"/origin.git": "/other.git", "/other.git": f"{host.url}/new.git"}
    async with working_copy(f"{host.url}/origin.git", origin.head("main") or "", token=TOKEN) as copy:
        assert (copy / "docs" / "page.md").exists()


@pytest.mark.parametrize("token", [TOKEN, None])
@pytest.mark.parametrize("to", ["https://elsewhere.example.com/new.git", "http://127.0.0.1/new.git"])
async def test_a_redirect_elsewhere_is_refused_by_name(to: str, token: str | None, origin: Origin, host: Host) -> None:
    host.moved = {"/origin.git": to}
    with pytest.raises(CheckoutFailed, match=rf"redirects to {to.removesuffix('/new.git')}, .*REPORTBACK_CLONE_URL"):
        async with working_copy(f"{host.url}/origin.git", origin.head("main") or "", token=token):
            pytest.fail("it is elsewhere")


@pytest.mark.parametrize("to", ["/origin.git", "/login?for=", "/a"])
async def test_a_redirect_that_leads_nowhere_ends(to: str, origin: Origin, host: Host) -> None:
    host.moved = {"/origin.git": to}
    with pytest.raises(CheckoutFailed):
        async with working_copy(f"{host.url}/origin.git", origin.head("main") or "", token=TOKEN):
            pytest.fail("it is nowhere")
    assert len(host.seen) < 20
