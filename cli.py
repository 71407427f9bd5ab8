"""The `reportback` command."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from cyclopts import App
from pydantic import ValidationError

INTERRUPTED = 130

app = App(name="reportback", help="Every docs job's outcome on its commit, exactly once.")
db = App(name="db", help="Look after the ledger.")
app.command(db)


@app.command
def demo() -> int:
    """Run four docs jobs for this project's commit, GitHub failing on the way, and check what it holds in the end."""
    from demo.main import demo as play  # noqa: PLC0415  # each command loads what it needs

    return _run(play())


@app.command
def up() -> int:
    """Run a Prefect server, the deployments and, without a token, a stand-in GitHub on this machine until Ctrl-C."""
    from local.up import up as stay_up  # noqa: PLC0415  # each command loads what it needs

    return _run(stay_up())


@db.command
def upgrade() -> int:
    """Bring the ledger to this version's schema. The embedded one does so by itself."""
    from local.ledger import upgrade as upgrade_ledger  # noqa: PLC0415  # each command loads what it needs

    return _run(upgrade_ledger())


@db.command
def restored() -> int:
    """After a backup was put back, with everything stopped: look on GitHub before sending what the ledger calls due."""
    from local.ledger import restored as ledger_restored  # noqa: PLC0415  # each command loads what it needs

    return _run(ledger_restored())


def _run(work: Coroutine[Any, Any, int | None]) -> int:
    """Run *work* to its end; Ctrl-C and SIGTERM cancel it, and what it started ends with it."""
    try:
        return asyncio.run(_cancellable(work)) or 0
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("\nInterrupted; everything that was started is gone.\n")
        return INTERRUPTED


async def _cancellable(work: Coroutine[Any, Any, int | None]) -> int | None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    return await task


def _problem(field: str, message: str) -> str:
    """A mistake in the settings, by the name that its variable has."""
    words = message.removeprefix("Value error, ")
    return words if not field or words.startswith("REPORTBACK_") else f"REPORTBACK_{field.upper()}: {words}"


def main() -> None:
    """Entry point: a mistake of the user's is one line on stderr, not a traceback."""
    from local.stack import NotStarted  # noqa: PLC0415  # each command loads what it needs
    from storage.engine import LedgerIsAway, NotUpgraded  # noqa: PLC0415  # the same

    try:
        sys.exit(app())
    except ValidationError as error:
        lines = (_problem(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors())
        sys.exit("reportback: " + "\n            ".join(lines))
    except (NotStarted, NotUpgraded, LedgerIsAway, ValueError) as error:
        sys.exit(f"reportback: {error}")
