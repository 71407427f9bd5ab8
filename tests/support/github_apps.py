"""A GitHub App of the stand-in, its private key, and its installations."""

from datetime import datetime, timedelta
from functools import cache

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fake_github.apps import App, Installation

CLIENT_ID = "Iv23liReportback0001"
CREDENTIAL = f"app:{CLIENT_ID}"
PERMISSIONS = {"checks": "write", "statuses": "write", "contents": "write"}


@cache
def key_pair(number: int = 0) -> tuple[str, str]:
    """A private key and its public one, as PEM; each *number* has a pair of its own."""
    del number
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def an_app(*installations: Installation, token_seconds: float = 3600, mark: str = "") -> App:
    """The App, installed on acme unless *installations* say otherwise."""
    at = list(installations) or [installation()]
    return App(CLIENT_ID, 42, key_pair()[1], dict(PERMISSIONS), at, token_seconds, mark)


def installation(number: int = 7, account: str = "acme", **permissions: str) -> Installation:
    return Installation(number, account, dict(permissions or PERMISSIONS))


def app_token(now: datetime, *, key: str = "", issuer: str = CLIENT_ID, back: int = 60, ahead: int = 540) -> str:
    """A JSON web token of the App, issued *back* seconds before *now*, and expiring *ahead* of it."""
    claims = {
        "iat": int((now - timedelta(seconds=back)).timestamp()),
        "exp": int((now + timedelta(seconds=ahead)).timestamp()),
        "iss": issuer,
    }
    return jwt.encode(claims, key or key_pair()[0], algorithm="RS256")
