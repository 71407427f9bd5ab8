"""Credentials: which one a repository has, by name, and its token, read where it lives each time it is used.

A name is `env:VARIABLE` or `secret:BLOCK` (a Secret block of Prefect). Names are stored and shown; tokens never are.
"""

import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping

from domain.delivery.repositories import first_match
from domain.redact import SHORTEST_SECRET

DEFAULT_CREDENTIAL = "env:REPORTBACK_GITHUB_TOKEN"
"""The credential of every repository as long as REPORTBACK_CREDENTIALS is not set."""


class NoCredential(Exception):
    """A credential has no token to use. The message says what is wrong, where, and what to do, and holds no secret."""


class NotAllowed(NoCredential):
    """Nobody may start anything for a repository. The message names it, and the setting that says so."""


def credential_name(repository: str, credentials: Mapping[str, str]) -> str | None:
    """The name of the credential for *repository*: that of the first pattern that matches; None if none does.

    Patterns are shell patterns over "owner/name" in which `*` also matches "/"; letter case makes no difference, as on
    GitHub. Without any pattern it is `env:REPORTBACK_GITHUB_TOKEN`.
    """
    if not credentials:
        return DEFAULT_CREDENTIAL
    pattern = first_match(repository, credentials)
    return None if pattern is None else credentials[pattern]


async def token_of(name: str, load_secret: Callable[[str], Awaitable[object]]) -> str:
    """The token of the credential *name*, as it stands there now. *load_secret* gives the value of a Secret block.

    *load_secret* raises ValueError if there is no such block; what else it raises passes through. Raises NoCredential
    if there is no token, or none that fits into a header.
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
        case _:  # not quoted: it may be a token that somebody put in the wrong place
            raise NoCredential(
                "REPORTBACK_CREDENTIALS holds a name that is neither env:VARIABLE nor secret:BLOCK: correct it there."
            )


def secret_behind(token: str) -> str:
    """A hash that tells the secret behind *token* from others: what GitHub refuses when it answers 401.

    The secret of a token that lives for long is the token. Whatever makes short-lived ones must give the hash of what
    makes them, an App's key for one: a fresh token of a key that was refused is no other secret.
    """
    return hashlib.sha256(token.encode()).hexdigest()


async def _loaded(block: str, load_secret: Callable[[str], Awaitable[object]]) -> object:
    try:
        return await load_secret(block)
    except ValueError:
        # From None: a block that does not validate is quoted in its error, value and all.
        raise NoCredential(
            f"Prefect has no readable Secret block {block}: create it with the token as its value, "
            "or correct REPORTBACK_CREDENTIALS."
        ) from None


def _checked(value: object, where: str) -> str:
    token = value.strip() if isinstance(value, str) else ""
    if not token:
        raise NoCredential(f"{where} holds no token: put a GitHub token with write access to commit statuses there.")
    if len(token) < SHORTEST_SECRET:  # none of GitHub's is; and it could not be kept out of a job's output
        raise NoCredential(f"{where} holds something that is too short for a token: correct it.")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise NoCredential(f"{where} holds something that is no token (blanks, line breaks or non-ASCII): correct it.")
    return token
