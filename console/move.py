"""The command `reportback db move`."""

from sqlalchemy.engine import make_url

from console.progress import CommandProgress
from console.terminal import plain, results
from settings import Settings
from storage.engines import make_engine, place_of
from storage.maintenance.move import move


async def move_ledger(*, to: str) -> int:
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
    await make_engine(to, local=local, given_as="--to").dispose()  # refuses an unusable URL before anything is read
    if make_url(to).password:
        raise ValueError("--to must hold no password, as every user can read a command line: set PGPASSWORD")
    with CommandProgress("moving rows", total=0) as progress:
        rows = await move(settings.database_url, to, local=local, on_begin=progress.expect, on_rows=progress.step)
    what = "The ledger had been moved there before" if rows is None else f"Moved {rows} rows"
    place = place_of(make_url(to))
    results().print(
        plain(f"{what}. Set REPORTBACK_DATABASE_URL to {place} wherever it is set; the old one is refused.")
    )
    return 0
