"""Opens the ledger that the settings name; the commands `reportback db upgrade`, `id`, `after-restore` and `move`."""

import getpass
import os
import sys
from contextlib import AbstractAsyncContextManager
from typing import Annotated

from cyclopts import Parameter
from sqlalchemy.engine import make_url

from console.progress import CommandProgress
from console.terminal import plain, results
from domain.delivery.notifications import Publish, ignore
from settings import Settings
from storage.engines import make_engine, place_of
from storage.identity import ledger_id
from storage.ledger import Ledger, open_ledger
from storage.maintenance.move import move
from storage.maintenance.restored import read_back_everything
from storage.schema import upgrade as upgrade_schema


def opened(
    settings: Settings, actor: str = "reportback", publish: Publish = ignore
) -> AbstractAsyncContextManager[Ledger]:
    """The ledger that *settings* name, whichever it is: see `storage.ledger.open_ledger`."""
    return open_ledger(settings.database_url, local=settings.local_file_systems, actor=actor, publish=publish)


def os_user() -> str:
    """The operating-system user, from the environment: information for colleagues, no authentication."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def upgrade() -> None:
    """Upgrade the ledger to this version's schema. An SQLite ledger is upgraded automatically."""
    settings = Settings()
    engine = make_engine(settings.database_url, local=settings.local_file_systems, takes_long=True)
    try:
        upgrade_schema(engine)
    finally:
        engine.dispose()
    results().print("The ledger is at this version's schema.")


async def print_id() -> None:
    """Print the ledger's id. Each deployment holds it, and its flows refuse any other ledger."""
    async with opened(Settings()) as ledger:
        found = await ledger.read(ledger_id)
    sys.stdout.write(f"{found}\n")


async def after_restore() -> None:
    """After restoring a backup, with everything stopped: look each report up on GitHub before it is sent."""
    settings = Settings()
    async with opened(settings, f"db after-restore by {os_user()}") as ledger:
        count = await ledger.write(read_back_everything, policy=settings.policy)
    results().print(f"{count} unsettled reports will be looked for on GitHub before anything is sent.")


def move_ledger(*, to: Annotated[str, Parameter(metavar="URL")]) -> int:
    """Move the ledger to another database, from SQLite to PostgreSQL or back, with everything stopped.

    The old one is kept, marked as moved and refused from then on. Exits with 1 if nothing was moved.

    Args:
        to: The new, empty database, as sqlite:////absolute/path or postgresql://user@host/name. Without a password:
            set PGPASSWORD.

    Raises:
        ValueError: *to* holds a password, or the move is refused: see `storage.maintenance.move.move`.
    """
    settings = Settings()
    local = settings.local_file_systems
    make_engine(to, local=local, given_as="--to").dispose()  # refuses an unusable URL before anything is read
    if make_url(to).password:
        raise ValueError("--to must hold no password, as every user can read a command line: set PGPASSWORD")
    with CommandProgress("moving rows", total=0) as progress:
        rows = move(settings.database_url, to, local=local, on_begin=progress.expect, on_rows=progress.step)
    what = "The ledger had been moved there before" if rows is None else f"Moved {rows} rows"
    place = place_of(make_url(to))
    results().print(
        plain(f"{what}. Set REPORTBACK_DATABASE_URL to {place} wherever it is set; the old one is refused.")
    )
    return 0
