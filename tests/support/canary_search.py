"""Searches texts for planted secrets, which must not be found, and for a harmless marker, which must be.

A place without the marker was not searched, which fails as well.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from github_apps import key_pair

MARKER = "marker-5f3a9c"
"""Also the name of a job type, so that it appears wherever a job does."""

LINE_OF_KEY = 8

KINDS = (
    "reporting token",
    "token of a Secret block",
    "token that pushes",
    "variable passed to a job",
    "password of the ledger",
    "password of Prefect",
    "password of the Pushgateway",
    "user info in a URL that is refused",
    "git configuration of a user",
    "token made for an App",
    "private key of an App",
)


def secret_of(kind: str) -> str:
    """The value planted as *kind*. It does not look like a token, so that no redaction by pattern hides it.

    Of a private key it is a line; each token that is made for the App has its value as a part.
    """
    if kind == "private key of an App":
        return key_pair()[0].splitlines()[LINE_OF_KEY]
    return f"canary{KINDS.index(kind)}x7e5c0d{KINDS.index(kind)}9b41f8a"


SECRETS: Mapping[str, str] = {kind: secret_of(kind) for kind in KINDS}


def spellings(secret: str) -> set[bytes]:
    """The spellings of *secret*: as it is, reversed, in hex, and within a base64 text."""
    raw = secret.encode()
    wide = {secret.encode("utf-16-le"), secret.encode("utf-16-be")}
    return {raw, raw[::-1], raw.hex().encode(), quote(secret).encode(), *wide, *_in_base64(raw)}


def _in_base64(raw: bytes) -> Iterable[bytes]:
    """The part of its base64 that is independent of the text around it, for each of the three alignments."""
    for before in range(3):
        whole = (before + len(raw)) // 3 * 3 - before
        coded = base64.b64encode(bytes(before) + raw[:whole])
        yield coded[(0, 2, 3)[before] :]


@dataclass(slots=True)
class Place:
    """The result of searching one place: bytes read, number of markers, and kinds of secrets found."""

    name: str
    read: int = 0
    markers: int = 0
    found: dict[str, bytes] = field(default_factory=dict)

    def look(self, text: bytes | str) -> None:
        """Search *text*."""
        raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        self.read += len(raw)
        self.markers += raw.count(MARKER.encode())
        for match in SOUGHT.finditer(raw):
            kind = next(kind for kind, ways in WAYS.items() if match[0] in ways)
            self.found.setdefault(kind, raw[max(0, match.start() - 60) : match.end() + 20])

    def look_into(self, *folders: Path) -> None:
        """Search every file in the folders, and the file names."""
        for path in (one for folder in folders for one in [folder, *folder.rglob("*")]):
            self.look(str(path) + "\n")
            if path.is_file() and not path.is_symlink():
                self.look(path.read_bytes())


WAYS = {kind: spellings(secret) for kind, secret in SECRETS.items()}
SOUGHT = re.compile(b"|".join(re.escape(way) for ways in WAYS.values() for way in sorted(ways)))


def table(places: Iterable[Place]) -> str:
    """A row for each place."""
    rows = [f"| {one.name} | {one.read:,} | {one.markers} | {len(one.found)} |" for one in places]
    return "\n".join(
        ("| place | bytes read | positives found | kinds of secrets found |", "| --- | --- | --- | --- |", *rows)
    )
