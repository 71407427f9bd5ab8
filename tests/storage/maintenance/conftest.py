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
        connection.exec_driver_sql(
            "INSERT INTO check_run (job_id, execution, target_id, turn, marker, started_at, generation, said, plain, "
            "closed, read_back, second_said) VALUES ('00000008000040008000000000000008', 1, 8, 1, "
            "'000000000000000000000000', '2026-11-23 12:00:00.000000', 1, 0, FALSE, FALSE, FALSE, 0)"
        )
        connection.exec_driver_sql(
            "INSERT INTO check_output (report_id, conclusion, completed_at, summary, plain_summary, annotations) "
            "VALUES (17, 'success', '2026-11-23 12:00:00.000000', '41 pages', '41 pages', '[]')"
        )
    clock.advance(LATER)
    return empty_url
