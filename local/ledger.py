"""The commands `reportback db upgrade`, `id` and `after-restore`."""

import getpass
import sys

from rich.console import Console

from settings import Settings
from storage.engines import make_engine
from storage.identity import ledger_id
from storage.ledger import open_ledger
from storage.maintenance.restored import read_back_everything
from storage.schema import upgrade as upgrade_schema


async def upgrade() -> None:
    """Upgrade the ledger to this version's schema. An SQLite ledger is upgraded automatically."""
    settings = Settings()
    opened = make_engine(settings.database_url, local=settings.local_file_systems, takes_long=True)
    try:
        await upgrade_schema(opened)
    finally:
        await opened.dispose()
    Console().print("The ledger is at this version's schema.")


async def print_id() -> None:
    """Print the ledger's id. Each deployment holds it, and its flows refuse any other ledger."""
    settings = Settings()
    opening = open_ledger(settings.database_url, local=settings.local_file_systems)
    async with opening as ledger, ledger.transaction() as session:
        found = await ledger_id(session)
    sys.stdout.write(f"{found}\n")


async def after_restore() -> None:
    """After restoring a backup, with everything stopped: look each report up on GitHub before it is sent."""
    settings = Settings()
    opening = open_ledger(settings.database_url, local=settings.local_file_systems)
    async with opening as ledger, ledger.transaction() as session:
        now = await ledger.clock(session)
        actor = f"db after-restore by {getpass.getuser()}"
        count = await read_back_everything(session, policy=settings.policy, actor=actor, now=now)
    Console().print(f"{count} unsettled reports will be looked for on GitHub before anything is sent.")
