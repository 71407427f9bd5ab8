"""More connections for Prefect's server on SQLite, which has no setting for it: PYTHONPATH makes it find this.

With 15 of them, as many writers as wait for a lock leave none for its holder, who wants a second one: all stand still
for a minute, until the first of them gives up.
"""

from sqlalchemy.pool import QueuePool

SIZE, OVERFLOW = 5, 10
_, _, *others = QueuePool.__init__.__defaults__ or ()
QueuePool.__init__.__defaults__ = (10 * SIZE, 10 * OVERFLOW, *others)
