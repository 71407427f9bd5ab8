"""The ledger that the settings name, outside of any flow."""

from rich.console import Console

from settings import Settings
from storage import engine
from storage.upgrade import upgrade as upgrade_schema


async def upgrade() -> None:
    """Bring it to this version's schema; a second call changes nothing."""
    opened = engine.make_engine(Settings().database_url)
    try:
        await upgrade_schema(opened)
    finally:
        await opened.dispose()
    Console().print("The ledger is at this version's schema.")
