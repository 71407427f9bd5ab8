"""A reporter for a person at a shell: it needs the ledger and GitHub, and Prefect only for the secrets kept there."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from prefect.settings import PREFECT_API_URL

from console.terminal import logged
from domain.delivery.notifications import Notification
from github_api.credentials import NoCredential
from settings import Settings
from tasks.delivery import reporter
from tasks.delivery.deliver import Reporter


@asynccontextmanager
async def open_reporter(settings: Settings, actor: str) -> AsyncIterator[Reporter]:
    """A reporter that acts as *actor* in the story of a report.

    Raises:
        WrongLedger: see tasks.delivery.reporter.
    """
    async with reporter.open_reporter(settings, actor) as made:
        yield replace(made, token_of=token_of)


def heard_by(reporter: Reporter, say: Callable[[str], None]) -> Reporter:
    """*reporter*, with a line for each of its moves, as the log of a flow run has it."""

    def publish(notification: Notification) -> None:
        say(logged(notification))

    return replace(reporter, ledger=replace(reporter.ledger, publish=publish))


async def token_of(name: str) -> str:
    """The token of the credential *name*.

    Raises:
        NoCredential: there is none; nothing can be sent.
    """
    if name.startswith("secret:") and not PREFECT_API_URL.value():  # Prefect would start a server of its own, and empty
        raise NoCredential(
            f"PREFECT_API_URL is not set, so that Prefect cannot be asked for the Secret block of {name}"
        )
    return await reporter.token_of(name)
