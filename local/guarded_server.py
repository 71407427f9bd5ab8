"""Runs Prefect's server behind our ASGI guard, for one machine: `reportback server`."""

import os

import uvicorn

from local import prefect_on_sqlite
from local.prefect_guard import Guard, own_origins

PUBLIC = ("PREFECT_UI_URL", "PREFECT_UI_API_URL", "PREFECT_SERVER_UI_API_URL")
"""Settings that name an address of the server beside its own."""


def server(*, host: str = "127.0.0.1", port: int = 4200) -> None:
    """Run a Prefect server on this machine that refuses requests from other sites' pages. Prefect's settings apply.

    PREFECT_SERVER_API_AUTH_STRING=user:password makes it require a password; PREFECT_UI_API_URL names its address
    behind a proxy.

    Args:
        host: The address to listen on.
        port: The port to listen on.
    """
    prefect_on_sqlite.tune()  # before Prefect makes its engine
    from prefect import settings  # noqa: PLC0415  # after that
    from prefect.server.api.server import create_app  # noqa: PLC0415  # the same

    origins = own_origins(host, port, filter(None, map(os.environ.get, PUBLIC)))
    closed = {  # changes need a CSRF token, which Prefect's clients and UI fetch by themselves
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
