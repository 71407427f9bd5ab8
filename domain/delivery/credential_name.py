"""Names of credentials: they say where the token is stored, never the token itself."""

import re

CREDENTIAL = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|secret:[a-z0-9-]+")
"""An environment variable of the worker, or a Secret block of Prefect. The name is stored and shown."""
