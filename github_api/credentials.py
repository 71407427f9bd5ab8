"""Selects a repository's credential by name, and reads its token from its source each time it is used.

A name is `env:VARIABLE`, `secret:BLOCK` (a Secret block of Prefect), or a GitHub App: `app:CLIENT_ID` with its private
key in a file, `app:CLIENT_ID@BLOCK` with it in a Secret block. Names are stored and shown; secrets never are.
"""

import hashlib
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from domain.delivery.credential_name import CREDENTIAL
from domain.delivery.repository_patterns import first_match
from domain.redact import SHORTEST_SECRET

DEFAULT_CREDENTIAL = "env:REPORTBACK_GITHUB_TOKEN"
"""The credential of every repository if REPORTBACK_CREDENTIALS is not set."""


PRIVATE_KEY = re.compile(r"-----BEGIN (?:RSA )?PRIVATE KEY-----")


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


async def secret_of(name: str, load_secret: Callable[[str], Awaitable[object]], keys: Path) -> str:
    """The present secret of the credential *name*: a token, or the private key of an App.

    *load_secret* returns the value of a Secret block; *keys* is the folder of the Apps' keys. *load_secret* raises
    ValueError if there is no such block; its other errors pass through.

    Raises:
        NoCredential: there is no secret, or a token that fits into no header.
    """
    kind, _, place = name.partition(":")
    match kind:
        case "env" if place:
            return _checked(os.environ.get(place), f"The environment variable {place}")
        case "secret" if place:
            return _checked(await _loaded(place, load_secret), f"Prefect's Secret block {place}")
        case "app" if found := CREDENTIAL.fullmatch(name):
            if block := found["block"]:
                return _checked_key(await _loaded(block, load_secret), f"Prefect's Secret block {block}")
            return _key_in(key_file(keys, found["client_id"]))
        case _:  # not quoted: it may be a token in the wrong place
            raise NoCredential(
                "REPORTBACK_CREDENTIALS holds a name that is neither env:VARIABLE, secret:BLOCK nor app:CLIENT_ID: "
                "correct it there."
            )


def key_file(keys: Path, client_id: str) -> Path:
    """The file in the folder *keys* with the private key of an App."""
    return keys / f"{client_id}.pem"


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


def _key_in(file: Path) -> str:
    try:
        return _checked_key(file.read_text(encoding="ascii", errors="replace"), str(file))
    except OSError as error:
        raise NoCredential(
            f"The App's private key cannot be read from {file}: {error.strerror}; put the .pem file there that GitHub "
            "gave, or set REPORTBACK_APP_KEYS to its folder."
        ) from None


def _checked_key(value: object, where: str) -> str:
    key = value.strip() if isinstance(value, str) else ""
    if not PRIVATE_KEY.search(key):
        raise NoCredential(f"{where} holds no private key of a GitHub App (PEM): put the one that GitHub gave there.")
    return key


def _checked(value: object, where: str) -> str:
    token = value.strip() if isinstance(value, str) else ""
    if not token:
        raise NoCredential(f"{where} holds no token: put a GitHub token with write access to commit statuses there.")
    if len(token) < SHORTEST_SECRET:  # GitHub's tokens are longer; and it could not be hidden in a job's output
        raise NoCredential(f"{where} holds something that is too short for a token: correct it.")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise NoCredential(f"{where} holds something that is no token (blanks, line breaks or non-ASCII): correct it.")
    return token
