"""The checks of `reportback doctor`: verdict and advice for each finding."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import respx

from console.checks import github, ledger, prefect
from github_api.setup_check import Answer, NoResponse

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
URL = "https://api.github.com"


def test_another_ledger_than_the_settings_name_is_wrong() -> None:
    found, named = uuid4(), uuid4()
    assert ledger.identity(found, None, "here").ok
    assert ledger.identity(found, found, "here").ok
    wrong = ledger.identity(found, named, "here")
    assert not wrong.ok
    assert str(found) in wrong.words
    assert str(named) in wrong.words


@pytest.mark.parametrize(
    ("ahead", "words"),
    [(30, ""), (-30, ""), (31, "the ledger's is 31 s ahead of"), (-90, "the ledger's is 1 min behind")],
)
def test_a_ledger_whose_clock_is_another_is_wrong(ahead: int, words: str) -> None:
    found = [finding.words for finding in ledger.clock(timedelta(seconds=ahead))]
    assert bool(found) is bool(words)
    assert all(one.startswith(words) for one in found)


@pytest.mark.parametrize(
    ("ended_at", "ok"),
    [(NOW, True), (NOW - 3 * MINUTE, True), (NOW - 3 * MINUTE - timedelta(seconds=1), False), (None, False)],
)
def test_no_finished_reconciliation_for_three_intervals_is_wrong(ended_at: datetime | None, *, ok: bool) -> None:
    assert ledger.reconciliation(ended_at, NOW, MINUTE).ok is ok


@pytest.mark.parametrize(("status", "ok"), [(200, True), (404, True), (403, True), (302, False), (503, False)])
def test_a_server_that_answers_like_github_is_reached(status: int, *, ok: bool) -> None:
    [finding] = github.answer_finding(URL, Answer(status, "words", None, None), NOW)
    assert finding.ok is ok


def test_a_server_that_answers_unlike_github_is_wrong() -> None:
    [finding] = github.answer_finding(URL, Answer(200, "", None, None, is_github=False), NOW)
    assert not finding.ok


def test_a_server_that_does_not_answer_is_named_with_the_error() -> None:
    [finding] = github.answer_finding(URL, NoResponse("ConnectError: refused"), NOW)
    assert not finding.ok
    assert f"{URL} does not answer: ConnectError: refused" in finding.words


@pytest.mark.parametrize(
    ("skew", "words"),
    [(30, "within 30 s"), (-30, "within 30 s"), (31, "31 s behind GitHub's"), (-90, "1 min ahead of GitHub's")],
)
def test_a_clock_that_is_off_by_more_than_30_s_is_wrong(skew: int, words: str) -> None:
    answered = Answer(200, "", NOW + timedelta(seconds=skew), None)
    _, finding = github.answer_finding(URL, answered, NOW)
    assert finding.ok is (abs(skew) <= 30)
    assert finding.words.startswith(words)


def scoped(*scopes: str, status: int = 200) -> Answer:
    return Answer(status, "", None, frozenset(scopes))


@pytest.mark.parametrize(
    ("answer", "ok", "words"),
    [
        (scoped("repo"), True, "may write statuses"),
        (scoped("repo:status", "gist"), True, "may write statuses"),
        (scoped("repo", status=404), True, "may write statuses"),
        (scoped("public_repo"), False, "`repo:status`"),
        (scoped(), False, "`repo:status`"),
        (Answer(200, "", None, None), True, "--repo checks"),
        (Answer(401, "Bad credentials", None, None), False, "renew it"),
        (Answer(403, "Forbidden", None, None), False, "403: Forbidden"),
        (NoResponse("ReadTimeout: slow"), False, "ReadTimeout"),
    ],
)
def test_whether_a_token_is_taken(answer: Answer | NoResponse, *, ok: bool, words: str) -> None:
    finding = github.token_finding("credential env:T", answer)
    assert finding.ok is ok
    assert words in finding.words


def repository(*, may_push: bool | None, scopes: frozenset[str] | None = None) -> Answer:
    return Answer(200, "", None, scopes, may_push=may_push)


@pytest.mark.parametrize(
    ("answer", "ok", "words"),
    [
        (repository(may_push=True, scopes=frozenset({"repo"})), True, "env:T may write there"),
        (repository(may_push=True), True, "the token itself needs"),
        (repository(may_push=False), False, "not write there"),
        (repository(may_push=None), True, "does not say"),
        (Answer(404, "Not Found", None, None), False, "404 to env:T: Not Found"),
        (NoResponse("ReadTimeout: slow"), False, "ReadTimeout"),
    ],
)
def test_whether_a_repository_may_be_written_to(answer: Answer | NoResponse, *, ok: bool, words: str) -> None:
    finding = github.may_write("repository acme/site", "env:T", answer)
    assert finding.ok is ok
    assert words in finding.words


async def test_a_server_that_does_not_answer_is_not_called_safe() -> None:
    finding = await prefect.password("http://127.0.0.1:9/api", is_at_stake=False)
    assert not finding.ok
    assert "cannot be reached: ConnectError" in finding.words


@pytest.mark.parametrize(
    ("status", "at_stake", "ok"),
    [(401, True, True), (403, True, True), (200, True, False), (200, False, True), (401, False, True)],
)
@respx.mock
async def test_a_missing_password_is_wrong_only_where_it_is_needed(status: int, *, at_stake: bool, ok: bool) -> None:
    respx.get("http://prefect.test/api/admin/version").respond(status)
    assert (await prefect.password("http://prefect.test/api", is_at_stake=at_stake)).ok is ok
