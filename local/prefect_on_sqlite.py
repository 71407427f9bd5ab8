"""Keeps Prefect's server on SQLite from standing still, which no setting does.

Of prefect 3.9.1, server/database/configurations.py: AioSqliteConfiguration. Three times over it waits or gives up:

- Its transactions begin DEFERRED. One that reads before it writes is refused at once ("database is locked", 503) if
  anybody wrote meanwhile, whatever the timeout: clients try again until they give up a flow run. Begun as a writer, it
  waits for its turn. https://www.sqlite.org/isolation.html
- Of 15 connections, as many writers as wait for a lock leave none for its holder, who wants a second one.
  PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE and _MAX_OVERFLOW reach the engine on PostgreSQL only.
- A statement that failed leaves its cursor in a traceback. When the garbage collection that frees it runs in the event
  loop, and the connection waits for a lock by then, SQLite's mutex stops the loop, and with it the lock's holder, for
  the minute of `PRAGMA busy_timeout`.
"""

import gc
import threading
import time
from typing import TypeVar

from sqlalchemy import Engine, event
from sqlalchemy.pool import QueuePool

Given = TypeVar("Given")

OVERFLOW = 150
"""Connections beside the five that stay open: they are closed after use, and with them goes the cache of each."""
COLLECT_EVERY = 5


def tune() -> None:
    """Set SQLAlchemy and the garbage collector of this process up for Prefect's server, before it is imported."""
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
