"""Opens a `Reporter` for a command: it needs the ledger and GitHub, and Prefect only for secrets kept there."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from prefect.settings import PREFECT_API_URL

from console.terminal import log_line
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
        yield replace(made, token_of=token_of)


def logging_to(reporter: Reporter, say: Callable[[str], None]) -> Reporter:
    """*reporter*, with each committed event passed to *say* as a log line."""
    ledger = replace(reporter.ledger, publish=lambda notification: say(log_line(notification)))
    return replace(reporter, ledger=ledger)


async def token_of(name: str) -> str:
    """The token of the credential *name*.

    Raises:
        NoCredential: there is none; nothing can be sent.
    """
    if name.startswith("secret:") and not PREFECT_API_URL.value():  # Prefect would start a server of its own, and empty
        raise NoCredential(
            f"PREFECT_API_URL is not set, so that Prefect cannot be asked for the Secret block of {name}"
        )
    return await opening.token_of(name)
