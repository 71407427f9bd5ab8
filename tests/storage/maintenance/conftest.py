"""Fixtures: a ledger that nothing uses any more."""

import pytest
from first_ledger import connected, make_first, upgraded
from moving import LATER
from world import Clock


@pytest.fixture
async def source(empty_url: str, clock: Clock) -> str:
    """A ledger with rows of every kind, and the time at which it may be moved."""
    make_first(empty_url)
    upgraded(empty_url)
    with connected(empty_url) as connection:
        connection.exec_driver_sql(
            "INSERT INTO refused_secret (credential, fingerprint, paused_until, pause_seconds) "
            "VALUES ('env:TOKEN', '0123456789abcdef', '2026-11-23 12:10:00.000000', 60)"
        )
        connection.exec_driver_sql(
            "INSERT INTO worker_token (worker, credential, fingerprint, version, noted_at) "
            "VALUES ('docs-1', 'env:TOKEN', '0123456789abcdef', '0.1.0', '2026-11-23 12:00:00.000000')"
        )
    clock.advance(LATER)
    return empty_url
