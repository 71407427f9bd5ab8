"""Runs Prefect's server behind our ASGI guard, for one machine: `reportback server`."""

import os

import uvicorn

from local import prefect_on_sqlite
from local.prefect_guard import Guard, own_origins

PUBLIC = ("PREFECT_UI_URL", "PREFECT_UI_API_URL", "PREFECT_SERVER_UI_API_URL")
"""Settings that name an address of the server beside its own."""


def serve(host: str, port: int) -> int:
    """Serve on *host* and *port* until a signal ends this process.

    Changes need a CSRF token, which Prefect's clients and UI fetch by themselves. Other settings of Prefect's apply as
    for `prefect server start`.
    """
    prefect_on_sqlite.tune()  # before Prefect makes its engine
    from prefect import settings  # noqa: PLC0415  # after that
    from prefect.server.api.server import create_app  # noqa: PLC0415  # the same

    origins = own_origins(host, port, filter(None, map(os.environ.get, PUBLIC)))
    closed = {
        settings.PREFECT_SERVER_CORS_ALLOWED_ORIGINS: ",".join(sorted(origins)),
        settings.PREFECT_SERVER_CSRF_PROTECTION_ENABLED: True,
    }
    with settings.temporary_settings(closed):
        uvicorn.run(
            Guard(create_app(final=True), origins),
            host=host,
            port=port,
            timeout_keep_alive=settings.PREFECT_SERVER_API_KEEPALIVE_TIMEOUT.value(),
            ws_ping_interval=settings.PREFECT_SERVER_API_WEBSOCKET_PING_INTERVAL.value(),
            ws_ping_timeout=settings.PREFECT_SERVER_API_WEBSOCKET_PING_TIMEOUT.value(),
            log_level=settings.PREFECT_SERVER_LOGGING_LEVEL.value().lower(),
        )
    return 0
