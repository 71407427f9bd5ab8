"""The command `reportback metrics`: prints or serves the metrics for Prometheus."""

import re
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import uvicorn
from cyclopts import Parameter
from prometheus_client import generate_latest
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from console.ledger import opened
from domain.operations.metrics import Snapshot
from settings import Settings
from storage.ledger import Ledger, LedgerUnavailable
from tasks.operations.metric_families import registry_of
from tasks.operations.push_metrics import read_metrics

PLACE = re.compile(r"(?P<host>[^:]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")
UNAVAILABLE = 503


async def metrics(*, serve: Annotated[str | None, Parameter(metavar="HOST:PORT")] = None) -> None:
    """Print the metrics in Prometheus format, or serve them.

    Args:
        serve: Listen on HOST:PORT until Ctrl-C. There is no log-in: use 127.0.0.1 unless the network is trusted.

    Raises:
        ValueError: see `listening`.
    """
    if serve is None:
        async with opened(Settings()) as ledger:
            sys.stdout.write(generate_latest(registry_of(await read_metrics(ledger))).decode())
        return
    with listening(serve) as sock:
        async with opened(Settings()) as ledger:
            host, port = sock.getsockname()[:2]
            sys.stdout.write(f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics\n")
            sys.stdout.flush()
            await serve_on(sock, ledger)


def listening(place: str) -> socket.socket:
    """A socket that listens at *place*, HOST:PORT; port 0 is a free one.

    Raises:
        ValueError: it is no such place, or its port cannot be opened.
    """
    parts = PLACE.fullmatch(place)
    if parts is None:
        raise ValueError(f"--serve {place}: give HOST:PORT, such as 127.0.0.1:9464")
    host, is_v6 = parts["host"].strip("[]"), parts["host"].startswith("[")
    try:
        return socket.create_server(
            (host, int(parts["port"])), family=socket.AF_INET6 if is_v6 else socket.AF_INET, backlog=64
        )
    except (OSError, OverflowError) as error:
        raise ValueError(f"--serve {place}: {error}") from error


def app_of(read: Callable[[], Awaitable[Snapshot]]) -> Starlette:
    """An application that answers GET /metrics with the result of *read*; 503 while the ledger is unavailable."""

    async def metrics(request: Request) -> Response:
        try:
            shown = await read()
        except LedgerUnavailable as error:
            return PlainTextResponse(f"{error}\n", status_code=UNAVAILABLE)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry_of(shown)), headers={"Content-Type": content_type})

    return Starlette(routes=[Route("/metrics", metrics)])


class _Server(uvicorn.Server):
    """Leaves signals to the command, which cancels it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_on(sock: socket.socket, ledger: Ledger) -> None:
    """Serve the metrics of *ledger* until cancelled."""
    config = uvicorn.Config(
        app_of(lambda: read_metrics(ledger)), lifespan="off", log_level="warning", access_log=False, ws="none"
    )
    await _Server(config).serve([sock])
