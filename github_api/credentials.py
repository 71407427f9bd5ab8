"""Selects a repository's credential by name, and reads its token from its source each time it is used.

A name is `env:VARIABLE` or `secret:BLOCK` (a Secret block of Prefect). Names are stored and shown; tokens never are.
"""

import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping

from domain.delivery.repository_patterns import first_match
from domain.redact import SHORTEST_SECRET

DEFAULT_CREDENTIAL = "env:REPORTBACK_GITHUB_TOKEN"
"""The credential of every repository if REPORTBACK_CREDENTIALS is not set."""


class NoCredential(Exception):
    """A credential has no usable token. The message says what is wrong, where, and what to do, and holds no secret."""


class NotAllowed(NoCredential):
    """No job may run for a repository. The message names it, and the setting that forbids it."""


def credential_name(repository: str, credentials: Mapping[str, str]) -> str | None:
    """The name of the credential for *repository*: that of the first matching pattern. None: no pattern matches.

    Patterns are shell patterns over "owner/name" in which `*` also matches "/"; letter case makes no difference, as on
    GitHub. Without any pattern it is `env:REPORTBACK_GITHUB_TOKEN`.
    """
    if not credentials:
        return DEFAULT_CREDENTIAL
    pattern = first_match(repository, credentials)
    return None if pattern is None else credentials[pattern]


def configured(credentials: Mapping[str, str]) -> list[str]:
    """The names of all credentials that are in use, each once; *credentials* maps patterns to names."""
    return sorted(set(credentials.values())) or [DEFAULT_CREDENTIAL]


async def token_of(name: str, load_secret: Callable[[str], Awaitable[object]]) -> str:
    """The present token of the credential *name*. *load_secret* returns the value of a Secret block.

    *load_secret* raises ValueError if there is no such block; its other errors pass through. Raises NoCredential if
    there is no token, or none that fits into a header.
    """
    kind, _, place = name.partition(":")
    match kind:
        case "env" if place:
            return _checked(os.environ.get(place), f"The environment variable {place}")
        case "secret" if place:
            return _checked(await _loaded(place, load_secret), f"Prefect's Secret block {place}")
        case "app":
            raise NoCredential(
                f"REPORTBACK_CREDENTIALS names a GitHub App ({name}), which is not supported yet: "
                "use env:VARIABLE or secret:BLOCK with a token."
            )
        case _:  # not quoted: it may be a token in the wrong place
            raise NoCredential(
                "REPORTBACK_CREDENTIALS holds a name that is neither env:VARIABLE nor secret:BLOCK: correct it there."
            )


def secret_behind(token: str) -> str:
    """A hash that identifies the secret behind *token*, which GitHub refuses with 401.

    The secret of a long-lived token is the token itself. For short-lived tokens it must be the secret that creates
    them, such as an App's key: a new token of a refused key is not another secret.
    """
    return hashlib.sha256(token.encode()).hexdigest()


async def _loaded(block: str, load_secret: Callable[[str], Awaitable[object]]) -> object:
    try:
        return await load_secret(block)
    except ValueError:
        # From None: the error of a block that does not validate quotes its value.
        raise NoCredential(
            f"Prefect has no readable Secret block {block}: create it with the token as its value, "
            "or correct REPORTBACK_CREDENTIALS."
        ) from None


def _checked(value: object, where: str) -> str:
    token = value.strip() if isinstance(value, str) else ""
    if not token:
        raise NoCredential(f"{where} holds no token: put a GitHub token with write access to commit statuses there.")
    if len(token) < SHORTEST_SECRET:  # GitHub's tokens are longer; and it could not be hidden in a job's output
        raise NoCredential(f"{where} holds something that is too short for a token: correct it.")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise NoCredential(f"{where} holds something that is no token (blanks, line breaks or non-ASCII): correct it.")
    return token
