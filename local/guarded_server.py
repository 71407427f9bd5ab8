"""Runs Prefect's server behind our ASGI guard, for one machine: `reportback server`.

On PostgreSQL it is Prefect's own. On SQLite, for one person, it is tuned so that it does not stall, as no setting does.

Of prefect 3.9.1, server/database/configurations.py: AioSqliteConfiguration. It stalls or gives up in three cases:

- Its transactions begin DEFERRED. One that reads before it writes is refused at once ("database is locked", 503) if
  another one wrote meanwhile, whatever the timeout: clients retry until they give up a flow run. Begun as a writer, it
  waits for the lock. https://www.sqlite.org/isolation.html
- With 15 connections, writers that wait for a lock leave none for its holder, which needs a second one.
  PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE and _MAX_OVERFLOW reach the engine on PostgreSQL only.
- A statement that failed leaves its cursor in a traceback. When the garbage collection that frees it runs in the event
  loop, and the connection waits for a lock by then, SQLite's mutex stops the loop, and with it the lock's holder, for
  the minute of `PRAGMA busy_timeout`.
"""

import gc
import os
import threading
import time
from typing import Annotated, TypeVar

import uvicorn
from cyclopts import Parameter
from sqlalchemy import Engine, event
from sqlalchemy.pool import QueuePool

from local.prefect_guard import Guard, own_origins

PUBLIC = ("PREFECT_UI_URL", "PREFECT_UI_API_URL", "PREFECT_SERVER_UI_API_URL")
"""Settings that name an address of the server beside its own."""

Given = TypeVar("Given")

OVERFLOW = 150
"""Connections beside the five that stay open; they are closed after use, with their caches."""
COLLECT_EVERY = 5


def server(
    *,
    host: Annotated[str, Parameter(metavar="HOST")] = "127.0.0.1",
    port: Annotated[int, Parameter(metavar="PORT")] = 4200,
) -> None:
    """Run a Prefect server on this machine that refuses requests from other sites' pages. Prefect's settings apply.

    PREFECT_SERVER_API_AUTH_STRING=user:password makes it require a password; PREFECT_UI_API_URL names its address
    behind a proxy.

    Args:
        host: The address to listen on.
        port: The port to listen on.
    """
    from prefect import settings  # noqa: PLC0415  # no other command needs it

    tune(_database())  # before Prefect makes its engine
    from prefect.server.api.server import create_app  # noqa: PLC0415  # after that

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


def _database() -> str:
    """The URL of the database that Prefect's settings name."""
    from prefect.settings import get_current_settings  # noqa: PLC0415  # no other command needs it

    url = get_current_settings().server.database.connection_url
    return url.get_secret_value() if url else ""


def tune(database: str) -> None:
    """Configure SQLAlchemy and the garbage collector of this process, before it opens a *database* on SQLite."""
    if not database.startswith("sqlite"):
        return
    size, _, *others = QueuePool.__init__.__defaults__ or ()
    QueuePool.__init__.__defaults__ = (size, OVERFLOW, *others)
    event.listen(Engine, "before_cursor_execute", _begin_as_a_writer, retval=True)
    gc.disable()
    threading.Thread(target=_collect_beside_the_loop, daemon=True).start()


def _begin_as_a_writer(
    _connection: object, _cursor: object, statement: str, given: Given, _context: object, _many: object
) -> tuple[str, Given]:
    return "BEGIN IMMEDIATE" if statement == "BEGIN DEFERRED" else statement, given


def _collect_beside_the_loop() -> None:
    while True:
        time.sleep(COLLECT_EVERY)
        gc.collect()
