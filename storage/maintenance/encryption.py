"""Tells whether what the ledger's database is sent can be read on its way."""

from sqlalchemy import text

from storage.transaction import Transaction

LOCAL = frozenset({None, "", "localhost", "127.0.0.1", "::1"})
"""Hosts of this machine. A path is the folder of a Unix socket."""

ENCRYPTED = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")


def is_readable_on_its_way(tx: Transaction) -> bool:
    """Whether the database is on another host and the connection to it has no TLS."""
    url = tx.session.get_bind().engine.url
    host = url.host or url.query.get("host")
    if url.get_backend_name() != "postgresql" or host in LOCAL or str(host).startswith("/"):
        return False
    return not tx.session.connection().execute(ENCRYPTED).scalar()
