"""Tunes Prefect's server on SQLite so that it does not stall, which no setting does.

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
import threading
import time
from typing import TypeVar

from sqlalchemy import Engine, event
from sqlalchemy.pool import QueuePool

Given = TypeVar("Given")

OVERFLOW = 150
"""Connections beside the five that stay open; they are closed after use, with their caches."""
COLLECT_EVERY = 5


def tune() -> None:
    """Configure SQLAlchemy and the garbage collector of this process, before Prefect's server is imported."""
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
