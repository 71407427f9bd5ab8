"""Names of credentials: they say where the secret is stored, never the secret itself."""

import re

CREDENTIAL = re.compile(
    r"env:[A-Za-z_][A-Za-z0-9_]*|secret:[a-z0-9-]+|app:(?P<client_id>[A-Za-z0-9.]{1,60})(?:@(?P<block>[a-z0-9-]+))?"
)
"""An environment variable of the worker, a Secret block of Prefect, or a GitHub App. The name is stored and shown.

An App's private key is in a file of its own, or in the Secret block after the `@`.
"""


def client_id_of(name: str) -> str | None:
    """The client id of the App that a credential's *name* means. None: it means a token."""
    found = CREDENTIAL.fullmatch(name)
    return found["client_id"] if found else None
