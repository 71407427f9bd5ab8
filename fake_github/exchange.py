"""Defines requests and answers of GitHub's API, without sockets or ASGI."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TypeAlias

Json: TypeAlias = dict[str, object]

CACHED = "private, max-age=60, s-maxage=60"
"""The Cache-Control of reads, and of what was created."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `headers` has lower-case names; `base_url` is where it was sent, without a slash at its end."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base_url: str

    @property
    def token(self) -> str:
        """The credential that it was sent with; empty: none."""
        return self.headers.get("authorization", "").partition(" ")[2].strip()

    @property
    def writes(self) -> bool:
        """Whether it is to create or change something."""
        return self.method not in ("GET", "HEAD")

    def asked(self) -> Json | None:
        """The JSON object of the body. None: it is another value, or no JSON."""
        try:
            asked = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return asked if isinstance(asked, dict) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply. A string as `body` is sent as it is, all else as JSON. `stored_id`: what it created.

    `is_githubs`: it has the headers that all of GitHub's have.
    """

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    stored_id: int | None = None
    is_githubs: bool = True

    def with_headers(self, headers: Mapping[str, str]) -> "Answer":
        """The same answer with *headers* over its own; names are compared without regard to case."""
        changed = {name.lower() for name in headers}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in changed}
        return replace(self, headers={**kept, **headers})

    def cacheable(self) -> "Answer":
        """The same answer as GitHub sends reads: a client that caches may show it again for a minute."""
        tag = sha256(self.content()[0]).hexdigest()
        return self.with_headers({"etag": f'W/"{tag}"', "cache-control": CACHED})

    def content(self) -> tuple[bytes, str]:
        """The bytes of the body, and their media type."""
        if isinstance(self.body, str):
            kind = "text/html" if self.body.lstrip().startswith("<") else "text/plain"
            return self.body.encode(), f"{kind}; charset=utf-8"
        return json.dumps(self.body, ensure_ascii=False).encode(), "application/json; charset=utf-8"


def is_web_address(url: str | None) -> bool:
    """Whether GitHub takes *url* as a link to show; none at all is as good."""
    return not url or re.match(r"https?://", url, re.IGNORECASE) is not None
