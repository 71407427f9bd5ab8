"""Does maintenance in a reconciliation run: pushes metrics, prunes old rows, removes leftovers of jobs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from domain.redact import of_error
from settings import Settings
from storage.ledger import Ledger
from tasks.jobs.execution_spec import outputs_of
from tasks.jobs.keep_output import Outputs, remove_old_outputs
from tasks.operations.push_metrics import emit_metrics
from tasks.operations.retention import prune
from tasks.process.background import Stop, run_in_background
from tasks.process.temp_dirs import sweep

LONGEST = timedelta(seconds=20)
"""How long each part may take. The next run continues it."""


async def maintain(ledger: Ledger, settings: Settings, *, warn: Callable[[str], None]) -> None:
    """Push the metrics, prune settled and old rows, and remove leftovers of jobs here: scratch folders, old outputs.

    No part fails the run, or delays it for longer than `LONGEST`: *warn* logs the error.
    """
    await _bounded(
        emit_metrics(
            ledger,
            settings.pushgateway,
            interval=settings.interval,
            warn=warn,
            ca_file=settings.ca_file,
        ),
        warn,
    )
    await _bounded(prune(ledger, keep=settings.keep, warn=warn), warn)
    try:
        await _bounded(run_in_background(partial(_clear, outputs_of(settings)), longest=LONGEST), warn)
    except OSError as error:
        warn(f"old outputs could not be removed: {error}")


async def _bounded(part: Awaitable[object], warn: Callable[[str], None]) -> None:
    try:
        async with asyncio.timeout(LONGEST.total_seconds()):
            await part
    except TimeoutError as error:
        warn(f"maintenance took too long, and is left to the next reconciliation run: {of_error(error)}")


def _clear(outputs: Outputs, stop: Stop) -> None:
    sweep(stop=stop)
    remove_old_outputs(outputs, stop)
