"""How much is enumerated: by default what takes seconds, with REPORTBACK_TEST_FULL=1 all there is, in minutes."""

import os

FULL = bool(os.environ.get("REPORTBACK_TEST_FULL"))
DATABASES = ("sqlite", "postgresql")
SQLITE_OR_ALL = DATABASES if FULL else ("sqlite",)
"""The databases of what does not depend on them."""
