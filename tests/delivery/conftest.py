"""Where deliveries are tried: what SQL does with them is tried on both databases in tests/storage/."""

import pytest
from full import SQLITE_OR_ALL


@pytest.fixture(params=SQLITE_OR_ALL)
def database(request: pytest.FixtureRequest) -> str:
    """SQLite, and with REPORTBACK_TEST_FULL=1 PostgreSQL too; the plain ones and races name both."""
    kind: str = request.param
    return kind
