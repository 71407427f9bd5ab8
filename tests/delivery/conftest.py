"""Runs the tests of this folder on SQLite; tests/storage/ runs the SQL of deliveries on both databases."""

import pytest
from full import SQLITE_OR_ALL


@pytest.fixture(params=SQLITE_OR_ALL)
def database(request: pytest.FixtureRequest) -> str:
    """SQLite, and with REPORTBACK_TEST_FULL=1 PostgreSQL too; plain tests and races name both themselves."""
    kind: str = request.param
    return kind
