"""Opens the ledger that the settings name; the commands `reportback db upgrade`, `id` and `after-restore`."""

import getpass
import os
import sys
from contextlib import AbstractAsyncContextManager

from rich.console import Console

from domain.delivery.notifications import Publish, ignore
from settings import Settings
from storage.engines import make_engine
from storage.identity import ledger_id
from storage.ledger import Ledger, open_ledger
from storage.maintenance.restored import read_back_everything
from storage.schema import upgrade as upgrade_schema


def opened(settings: Settings, publish: Publish = ignore) -> AbstractAsyncContextManager[Ledger]:
    """The ledger that *settings* name, whichever it is: see `storage.ledger.open_ledger`."""
    return open_ledger(settings.database_url, local=settings.local_file_systems, publish=publish)


def os_user() -> str:
    """The operating-system user, from the environment: information for colleagues, no authentication."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid {os.getuid()}"


async def upgrade() -> None:
    """Upgrade the ledger to this version's schema. An SQLite ledger is upgraded automatically."""
    settings = Settings()
    engine = make_engine(settings.database_url, local=settings.local_file_systems, takes_long=True)
    try:
        await upgrade_schema(engine)
    finally:
        await engine.dispose()
    Console().print("The ledger is at this version's schema.")


async def print_id() -> None:
    """Print the ledger's id. Each deployment holds it, and its flows refuse any other ledger."""
    async with opened(Settings()) as ledger, ledger.reading() as session:
        found = await ledger_id(session)
    sys.stdout.write(f"{found}\n")


async def after_restore() -> None:
    """After restoring a backup, with everything stopped: look each report up on GitHub before it is sent."""
    settings = Settings()
    async with opened(settings) as ledger, ledger.transaction() as session:
        now, actor = await ledger.clock(session), f"db after-restore by {os_user()}"
        count = await read_back_everything(session, policy=settings.policy, actor=actor, now=now)
    Console().print(f"{count} unsettled reports will be looked for on GitHub before anything is sent.")
