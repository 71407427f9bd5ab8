"""How much tests enumerate: a part, in seconds, or everything with REPORTBACK_TEST_FULL=1, in minutes."""

import os

FULL = bool(os.environ.get("REPORTBACK_TEST_FULL"))
DATABASES = ("sqlite", "postgresql")
SQLITE_OR_ALL = DATABASES if FULL else ("sqlite",)
"""For tests whose result does not depend on the database."""
