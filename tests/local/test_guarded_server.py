"""`reportback server` changes Prefect's server where its database is SQLite, and nowhere else."""

import gc

from sqlalchemy.pool import QueuePool

from local.guarded_server import tune


def test_on_postgresql_prefects_server_is_its_own() -> None:
    before = QueuePool.__init__.__defaults__
    tune("postgresql+asyncpg://prefect:word@localhost/prefect")
    assert QueuePool.__init__.__defaults__ == before
    assert gc.isenabled()
