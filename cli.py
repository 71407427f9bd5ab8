"""The `reportback` command."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from datetime import timedelta
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


@app.command
def deploy() -> int:
    """Make the deployments of this checkout on the Prefect server that PREFECT_API_URL names."""
    from local.deploy import deploy as make_deployments  # noqa: PLC0415  # each command loads what it needs

    return _run(make_deployments())


@app.command
def drain(*pools: str, timeout: timedelta = timedelta(minutes=10)) -> int:
    """Pause the work pools and wait until nothing of them runs: before their workers are stopped, or an upgrade.

    Args:
        pools: Names of work pools; without any, both of Reportback's.
        timeout: How long to wait, such as 90s, 10m or 2h. What still runs then makes the exit code 1.
    """
    from local.drain import drain as drain_pools  # noqa: PLC0415  # each command loads what it needs
    from local.prefect_server import POOLS  # noqa: PLC0415  # the same

    return _run(drain_pools(pools or POOLS, timeout))


@app.command
def resume(*pools: str) -> int:
    """Let the workers of the work pools take on flow runs again, after `drain`.

    Args:
        pools: Names of work pools; without any, both of Reportback's.
    """
    from local.drain import resume as resume_pools  # noqa: PLC0415  # each command loads what it needs
    from local.prefect_server import POOLS  # noqa: PLC0415  # the same

    return _run(resume_pools(pools or POOLS))


@db.command
def upgrade() -> int:
    """Bring the ledger to this version's schema. The embedded one does so by itself."""
    from local.ledger import upgrade as upgrade_ledger  # noqa: PLC0415  # each command loads what it needs

    return _run(upgrade_ledger())


@db.command(name="id")
def identity() -> int:
    """Print the ledger's id. Each deployment carries it, and a flow refuses every other ledger."""
    from local.ledger import print_id  # noqa: PLC0415  # each command loads what it needs

    return _run(print_id())


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
