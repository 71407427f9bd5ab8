"""Notes in the ledger which token this flow run's worker has for each credential, for `reportback doctor`."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib.metadata import version

from github_api.credentials import NoCredential, configured, secret_behind
from settings import Settings
from storage.ledger import Ledger
from storage.operations import worker_tokens
from tasks.delivery.open_reporter import secrets_in

WORKER = "PREFECT__WORKER_NAME"
"""Where Prefect's worker names itself in the environment of its flow runs."""

NO_WORKER = "no worker, on "
"""What the name begins with under which a process notes its tokens that serves deployments without a worker."""

LONGEST = timedelta(seconds=20)
"""How long it may take: a token in a Secret block is read from Prefect's server."""


def this_worker() -> str:
    """Prefect's name of the worker of this flow run; without one, that of the machine."""
    return os.environ.get(WORKER) or f"{NO_WORKER}{socket.gethostname()}"


def this_version() -> str:
    """The versions of what runs here, as notes hold them."""
    return f"Reportback {version('reportback')}, Prefect {version('prefect')}"


async def note_tokens(ledger: Ledger, settings: Settings) -> None:
    """Note the tokens of all credentials that this worker's settings name. Of a token, only a keyed hash is stored."""
    async with asyncio.timeout(LONGEST.total_seconds()):
        secrets = await secrets_of(settings, secrets_in(settings))
        noted = (this_worker(), this_version(), secrets)
        if not await ledger.read(worker_tokens.is_current, *noted):
            await ledger.write(worker_tokens.note, *noted)


async def secrets_of(settings: Settings, read: Callable[[str], Awaitable[str]]) -> dict[str, str | None]:
    """The hash of each credential's secret; None where *read* raises NoCredential."""
    return {name: await _secret(name, read) for name in configured(settings.credentials)}


async def _secret(name: str, read: Callable[[str], Awaitable[str]]) -> str | None:
    try:
        return secret_behind(await read(name))
    except NoCredential:
        return None
