"""Opens a `Reporter` from the settings: ledger, surface and credentials."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx
from prefect.blocks.system import Secret
from prefect.exceptions import PrefectException
from sqlmodel import Session

from domain.delivery.credential_name import client_id_of
from domain.delivery.notifications import Publish, ignore
from domain.delivery.repository_patterns import first_match
from domain.delivery.surface import SurfaceName
from github_api import credentials
from github_api.apps import Apps
from github_api.check_runs import CheckRuns
from github_api.commit_statuses import CommitStatuses
from github_api.credentials import NoCredential, NotAllowed
from settings import Settings
from storage.identity import WrongLedger, ledger_id
from storage.ledger import Clock, Ledger, open_ledger
from storage.sqlite_clock import since_boot
from tasks.delivery.app_tokens import AppTokens
from tasks.delivery.reporter import Reporter


@asynccontextmanager
async def open_reporter(settings: Settings, actor: str, publish: Publish = ignore) -> AsyncIterator[Reporter]:
    """A reporter that appears as *actor* in a report's history: "task …", "reconciliation", or a person.

    *publish* gets each event that is committed through it.

    Raises:
        WrongLedger: the deployment is for another ledger than the one that REPORTBACK_DATABASE_URL names.
    """
    async with open_ledger(
        settings.database_url, local=settings.local_file_systems, actor=actor, publish=publish
    ) as ledger:
        await _check_identity(ledger, settings.ledger_id)
        clock = EstimatedClock(ledger.clock)
        estimating = replace(ledger, clock=clock)
        await estimating.now()
        where = str(settings.github_api_url), settings.timeout, clock.now
        async with (
            CommitStatuses(*where, ca_file=settings.ca_file) as surface,
            CheckRuns(*where, transport=surface.transport) as runs,  # whose certificates take 25 ms to load
            app_tokens(settings, clock.now) as apps,
        ):
            yield Reporter(estimating, surface, settings.policy, secrets_in(settings), _jitter, apps=apps, runs=runs)


def app_tokens(settings: Settings, now: Callable[[], datetime]) -> AppTokens:
    """The tokens of this process's Apps. *now*: see `Connection`."""
    return AppTokens(lambda: Apps(str(settings.github_api_url), settings.timeout, now, ca_file=settings.ca_file))


def secrets_in(settings: Settings) -> Callable[[str], Awaitable[str]]:
    """What reads the secret of a named credential: see `secret_of`."""
    return partial(secret_of, keys=settings.app_keys)


class EstimatedClock:
    """Estimates the ledger's time from its last reading, for the times of GitHub's answers.

    Does not use the host's wall clock: it may be wrong, or be set between a request and its answer.
    """

    def __init__(self, clock: Clock, elapsed: Callable[[], timedelta] = since_boot) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._read: tuple[datetime, timedelta] | None = None

    def __call__(self, session: Session) -> datetime:
        """The ledger's time, UTC."""
        read = self._clock(session)
        self._read = read, self._elapsed()
        return read

    def now(self) -> datetime:
        """The ledger's time, UTC, estimated without a query. It has been read before."""
        assert self._read is not None
        read, at = self._read
        return read + (self._elapsed() - at)


async def _check_identity(ledger: Ledger, named: UUID | None) -> None:
    if named is None:
        return
    opened = await ledger.read(ledger_id)
    if opened != named:
        raise WrongLedger(opened, named, ledger.place)


def check_allowed(repository: str, settings: Settings) -> None:
    """Refuse a repository that REPORTBACK_ALLOWED_REPOSITORIES does not name, if it is set. Raises NotAllowed."""
    allowed = settings.allowed_repositories
    if allowed and first_match(repository, allowed) is None:
        raise NotAllowed(
            f"REPORTBACK_ALLOWED_REPOSITORIES does not name {repository}, so nothing is started or sent anew for it: "
            f"it names {', '.join(allowed)}"
        )


def credential_of(repository: str, settings: Settings) -> str:
    """The name of the credential that reports on *repository*.

    Raises:
        NotAllowed: REPORTBACK_ALLOWED_REPOSITORIES does not name it.
        NoCredential: REPORTBACK_CREDENTIALS names none for it.
    """
    check_allowed(repository, settings)
    name = credentials.credential_name(repository, settings.credentials)
    if name is None:
        raise NoCredential(
            f"REPORTBACK_CREDENTIALS names no credential for {repository}: add a pattern that matches it, such as "
            f'"{repository.partition("/")[0]}/*"'
        )
    return name


def surface_of(repository: str, credential: str, settings: Settings) -> SurfaceName:
    """What the reports of *repository* are shown as: as settings say, else check runs if *credential* is an App.

    Raises:
        NotAllowed: check runs are wanted of a credential that is no App.
    """
    is_app = client_id_of(credential) is not None
    pattern = first_match(repository, settings.report_as)
    if pattern is None:
        return SurfaceName.CHECK_RUN if is_app else SurfaceName.STATUS
    if settings.report_as[pattern] is SurfaceName.CHECK_RUN and not is_app:
        raise NotAllowed(
            f"REPORTBACK_REPORT_AS asks for check runs on {repository}, which only a GitHub App may write, and its "
            f"credential is {credential}: name an App for it in REPORTBACK_CREDENTIALS, or report as status"
        )
    return settings.report_as[pattern]


async def secret_of(name: str, keys: Path) -> str:
    """The current secret of the credential *name*, a token or an App's private key, which is in the folder *keys*.

    Raises:
        NoCredential: there is none; nothing can be sent.
    """
    try:
        return await credentials.secret_of(name, _load_secret, keys)
    except (PrefectException, httpx.HTTPError) as error:
        raise NoCredential(f"Prefect cannot be asked for the Secret block of {name}: {type(error).__name__}") from error


async def _load_secret(block: str) -> object:
    secret: Secret[str] = await Secret.aload(block)
    return secret.get()


def _jitter() -> float:
    return random.uniform(-1, 1)  # noqa: S311  # spreads load, keeps no secret
