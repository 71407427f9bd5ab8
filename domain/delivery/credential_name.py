"""The name of a credential: where its token is, never the token itself."""

import re

CREDENTIAL = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|secret:[a-z0-9-]+")
"""An environment variable of the worker, or a Secret block of Prefect. Stored and shown."""
