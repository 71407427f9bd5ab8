"""Reads the metrics from the ledger, and pushes them to a Pushgateway."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import httpx
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from domain.addresses import without_user
from domain.operations.metrics import Snapshot
from domain.redact import of_error
from domain.text import one_line
from github_api.certificates import trusted
from github_api.transport import UNCOMPRESSED, raw_body
from storage.ledger import Ledger
from storage.operations import event_counts, metrics
from tasks.operations.metric_families import registry_of

logger = logging.getLogger("reportback.operations")

TIMEOUT = timedelta(seconds=5)
"""How long a Pushgateway may take: a reconciliation run has other things to do."""

MOST_FOLDS = 20
"""The most transactions that fold events into totals in one run; the next runs do the rest."""

MAX_WORDS = 2**16
"""Bytes that are read of an error response."""

GROUP = "metrics/job/reportback"
"""Where a Pushgateway keeps them. It calls what it groups by `job`: scrape it with `honor_labels: true`."""


async def read_metrics(ledger: Ledger) -> Snapshot:
    """All metrics at this moment. Raises LedgerUnavailable."""
    return await ledger.read(metrics.snapshot)


async def emit_metrics(
    ledger: Ledger, pushgateway: str | None, *, interval: timedelta, ca_file: Path | None = None
) -> None:
    """Fold old events into the totals, and push the metrics to *pushgateway* if there is one.

    Raises nothing: errors are logged. *interval* is that of the reconciliation.
    """
    try:
        await _fold(ledger, dead_after=2 * interval)
        if pushgateway is not None:
            await push(pushgateway, await read_metrics(ledger), ca_file)
    except Exception as error:  # noqa: BLE001  # whatever fails here, reports go on
        logger.warning("metrics could not be handed on: %s", of_error(error))


async def _fold(ledger: Ledger, *, dead_after: timedelta) -> None:
    has_more = await ledger.read(event_counts.is_worth_folding)
    for _ in range(MOST_FOLDS if has_more else 0):
        if not await ledger.write(event_counts.fold, dead_after=dead_after):
            return


class MetricsPushFailed(Exception):
    """The Pushgateway did not accept the metrics."""


async def push(pushgateway: str, shown: Snapshot, ca_file: Path | None = None) -> None:
    """Replace the metrics that the Pushgateway at this address has by *shown*. *ca_file*: see `trusted`.

    Raises:
        BadCertificates: the certificates to trust cannot be read.
        MetricsPushFailed: it cannot be reached, or refuses. The address is not quoted: it may hold a password.
    """
    headers = {"Content-Type": CONTENT_TYPE_LATEST, **UNCOMPRESSED}
    content = generate_latest(registry_of(shown))
    url = f"{without_user(pushgateway).rstrip('/')}/{GROUP}"  # httpx logs addresses, passwords and all
    try:
        wait, verify = TIMEOUT.total_seconds(), trusted(ca_file)
        async with (
            asyncio.timeout(wait),  # httpx's is for each step
            httpx.AsyncClient(timeout=wait, verify=verify, auth=_user_of(pushgateway)) as client,
            client.stream("PUT", url, content=content, headers=headers) as answer,
        ):
            body = b"" if answer.is_success else await raw_body(answer, MAX_WORDS)
    except (httpx.HTTPError, TimeoutError) as error:
        raise MetricsPushFailed(f"the Pushgateway cannot be reached: {type(error).__name__}") from error
    if not answer.is_success:
        words = one_line(body.decode("utf-8", "replace"))[:200]
        raise MetricsPushFailed(f"the Pushgateway answered {answer.status_code}: {words}".rstrip(": "))


def _user_of(pushgateway: str) -> httpx.BasicAuth | None:
    address = httpx.URL(pushgateway)
    return httpx.BasicAuth(address.username, address.password) if address.userinfo else None
