"""Makes a GitHub App for the stand-in GitHub of `reportback up`, so that jobs report as check runs there."""

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import TypeAdapter

from fake_github.apps import App, Installation

CLIENT_ID = "Iv23liStandIn"
PERMISSIONS = {"checks": "write", "contents": "read", "statuses": "write"}


@dataclass(frozen=True, slots=True)
class StandInApp:
    """The App: the file that the stand-in reads it from, and the settings of flows that act as it."""

    file: Path
    settings: dict[str, str]


def make_app(folder: Path, owner: str) -> StandInApp:
    """Make an App in *folder*, installed on all repositories of *owner*. Its key is of no use elsewhere."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = folder / f"{CLIENT_ID}.pem"
    pem.touch(mode=0o600)
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    app = App(CLIENT_ID, 1, public, PERMISSIONS, [Installation(1, owner, dict(PERMISSIONS))])
    file = folder / "apps.json"
    file.write_bytes(TypeAdapter(list[App]).dump_json([app]))
    credentials = f'{{"*": "app:{CLIENT_ID}"}}'
    return StandInApp(file, {"REPORTBACK_CREDENTIALS": credentials, "REPORTBACK_APP_KEYS": str(folder)})
