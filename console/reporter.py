"""Opens a `Reporter` for a command: it needs the ledger and GitHub, and Prefect only for secrets kept there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from prefect.settings import PREFECT_API_URL

from console.terminal import log_line
from domain.delivery.credential_name import client_id_of
from github_api.apps import Permissions
from github_api.credentials import NoCredential
from settings import Settings
from tasks.delivery import open_reporter as opening
from tasks.delivery.reporter import Reporter


@asynccontextmanager
async def open_reporter(settings: Settings, actor: str) -> AsyncIterator[Reporter]:
    """A reporter that appears as *actor* in a report's history.

    Raises:
        WrongLedger: see tasks.delivery.open_reporter.
    """
    async with opening.open_reporter(settings, actor) as made:
        yield replace(made, secret_of=secrets_in(settings))


def logging_to(reporter: Reporter, say: Callable[[str], None]) -> Reporter:
    """*reporter*, with each committed event passed to *say* as a log line."""
    ledger = replace(reporter.ledger, publish=lambda notification: say(log_line(notification)))
    return replace(reporter, ledger=ledger)


def secrets_in(settings: Settings) -> Callable[[str], Awaitable[str]]:
    """What reads the secret of a named credential: see `secret_of`."""
    return partial(secret_of, keys=settings.app_keys)


async def token_for(repository: str, name: str, settings: Settings, permissions: Permissions) -> str:
    """The token of the credential *name* for *repository*: an App's is made for it, with *permissions*.

    Raises:
        NoCredential: there is none.
    """
    secret = await secret_of(name, settings.app_keys)
    if client_id_of(name) is None:
        return secret
    async with opening.app_tokens(settings, lambda: datetime.now(UTC)) as apps:
        return (await apps.token(name, secret, repository, permissions)).value


async def secret_of(name: str, keys: Path) -> str:
    """The secret of the credential *name*, a token or an App's private key, which is in the folder *keys*.

    Raises:
        NoCredential: there is none; nothing can be sent.
    """
    is_in_prefect = name.startswith("secret:") or "@" in name
    if is_in_prefect and not PREFECT_API_URL.value():  # Prefect would start a server of its own, and empty
        raise NoCredential(
            f"PREFECT_API_URL is not set, so that Prefect cannot be asked for the Secret block of {name}"
        )
    return await opening.secret_of(name, keys)
