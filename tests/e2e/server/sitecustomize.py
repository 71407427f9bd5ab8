"""What keeps Prefect's server on SQLite from standing still, which no setting does: PYTHONPATH makes it find this.

Twice over all of it waits for a minute, the `PRAGMA busy_timeout` that Prefect writes out:

- Of 15 connections, as many writers as wait for a lock leave none for its holder, who wants a second one.
  PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE and _MAX_OVERFLOW reach the engine on PostgreSQL only (prefect 3.8.8,
  server/database/configurations.py: AioSqliteConfiguration.engine).
- A statement that failed leaves its cursor in a traceback. When the garbage collection that frees it runs in the event
  loop, and the connection waits for a lock by then, SQLite's mutex stops the loop, and with it the lock's holder.
"""

import gc
import threading
import time

from sqlalchemy.pool import QueuePool

SIZE, OVERFLOW = 5, 10
_, _, *others = QueuePool.__init__.__defaults__ or ()
QueuePool.__init__.__defaults__ = (10 * SIZE, 10 * OVERFLOW, *others)

COLLECT_EVERY = 5


def _collect_beside_the_loop() -> None:
    while True:
        time.sleep(COLLECT_EVERY)
        gc.collect()


gc.disable()
threading.Thread(target=_collect_beside_the_loop, daemon=True).start()
