"""Builds a reporter from the settings: the credential of a repository and its token."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from domain.delivery.surface import SurfaceName
from github_api.commit_statuses import CommitStatuses
from github_api.credentials import DEFAULT_CREDENTIAL, NoCredential, NotAllowed
from local.stack import free_port
from settings import Settings
from storage.identity import WrongLedger, ledger_id
from storage.ledger import open_ledger
from tasks.delivery import open_reporter as module
from tasks.delivery.open_reporter import credential_of, open_reporter, secret_of, surface_of
from tasks.delivery.reporter import Reporter

NO_KEYS = Path("/nonexistent")


def settings(**credentials: str) -> Settings:
    return Settings(credentials={pattern.replace("_", "/"): name for pattern, name in credentials.items()})


def test_the_first_pattern_that_matches_names_the_credential() -> None:
    named = Settings(credentials={"acme/site": "env:SITE", "acme/*": "secret:acme", "*": "env:REST"})
    assert credential_of("ACME/site", named) == "env:SITE"
    assert credential_of("acme/other", named) == "secret:acme"
    assert credential_of("somebody/else", named) == "env:REST"


def test_without_any_pattern_it_is_the_one_token_of_the_settings() -> None:
    assert credential_of("acme/site", Settings(credentials={})) == DEFAULT_CREDENTIAL


def test_a_repository_that_no_pattern_matches_is_named_with_the_remedy() -> None:
    with pytest.raises(NoCredential, match=r'no credential for acme/site: add a pattern .* such as "acme/\*"'):
        credential_of("acme/site", Settings(credentials={"others/*": "env:OTHERS"}))


@pytest.mark.parametrize(
    ("credential", "report_as", "surface"),
    [
        ("env:TOKEN", None, "status"),
        ("app:Iv1", None, "check_run"),
        ("app:Iv1", "status", "status"),
        ("app:Iv1", '{"acme/site": "status", "*": "check_run"}', "status"),
        ("app:Iv1", '{"others/*": "status"}', "check_run"),
    ],
)
def test_an_app_reports_as_check_runs_and_a_token_as_statuses_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, credential: str, report_as: str | None, surface: str
) -> None:
    if report_as is not None:
        monkeypatch.setenv("REPORTBACK_REPORT_AS", report_as)
    assert surface_of("acme/site", credential, Settings()) == surface


def test_check_runs_of_a_token_are_refused_by_name() -> None:
    with pytest.raises(NotAllowed, match="only a GitHub App may write, and its credential is env:TOKEN"):
        surface_of("acme/site", "env:TOKEN", Settings(report_as={"*": SurfaceName.CHECK_RUN}))


async def test_a_token_is_read_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for token in ("the-first", "another-one"):
        monkeypatch.setenv("SITE", token)
        assert await secret_of("env:SITE", NO_KEYS) == token


async def test_a_variable_without_a_token_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SITE", raising=False)
    with pytest.raises(NoCredential, match="environment variable SITE holds no token"):
        await secret_of("env:SITE", NO_KEYS)


async def test_a_prefect_that_cannot_be_reached_is_no_credential_and_is_said() -> None:
    with (
        temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}),
        pytest.raises(NoCredential, match="Prefect cannot be asked for the Secret block of secret:acme"),
    ):
        await secret_of("secret:acme", NO_KEYS)


def time_of(reporter: Reporter) -> datetime:
    """The time by which the reporter reads those that GitHub names."""
    assert isinstance(reporter.surface, CommitStatuses)
    return reporter.surface.now()


async def test_githubs_times_are_kept_by_the_ledgers_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = timedelta(days=1)

    def ahead(_: object) -> datetime:
        return datetime.now(UTC) + day

    monkeypatch.setattr(module, "open_ledger", partial(open_ledger, clock=ahead))
    named = Settings(database_url=f"sqlite:///{tmp_path}/ledger.db")
    async with open_reporter(named, actor="ann") as reporter:
        assert abs(time_of(reporter) - datetime.now(UTC) - day) < timedelta(minutes=1)


async def test_a_ledgers_clock_that_was_set_is_githubs_after_its_next_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = timedelta(days=1)
    ahead = [timedelta(0)]

    def clock(_: object) -> datetime:
        return datetime.now(UTC) + ahead[-1]

    monkeypatch.setattr(module, "open_ledger", partial(open_ledger, clock=clock))
    async with open_reporter(Settings(database_url=f"sqlite:///{tmp_path}/ledger.db"), actor="ann") as reporter:
        ahead.append(day)
        assert abs(time_of(reporter) - datetime.now(UTC)) < timedelta(minutes=1)
        await reporter.ledger.now()
        assert abs(time_of(reporter) - datetime.now(UTC) - day) < timedelta(minutes=1)


async def test_a_reporter_goes_by_the_settings(tmp_path: Path) -> None:
    named = Settings(database_url=f"sqlite:///{tmp_path}/ledger.db")
    async with open_reporter(named, actor="ann") as reporter:
        assert reporter.ledger.actor == "ann"
        assert reporter.policy == named.policy
        assert -1 <= reporter.jitter() <= 1
        assert await reporter.ledger.now() is not None


async def test_a_deployment_reports_by_its_own_ledger_only(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    async with open_ledger(url) as ledger:
        mine = await ledger.write(ledger_id)
    async with open_reporter(Settings(database_url=url, ledger_id=mine), actor="ann"):
        """Its own is taken."""
    with pytest.raises(WrongLedger) as refused:
        async with open_reporter(Settings(database_url=url, ledger_id=UUID(int=7)), actor="ann"):
            pytest.fail("nothing may be done with another one")
    words = str(refused.value)
    assert all(word in words for word in (str(mine), str(UUID(int=7)), str(tmp_path), "make deploy"))
    assert "\n" not in words
