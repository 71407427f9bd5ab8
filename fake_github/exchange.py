"""Defines requests and answers of GitHub's API, without sockets or ASGI."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TypeAlias

Json: TypeAlias = dict[str, object]


class Endpoint(Enum):
    """The endpoints of GitHub's API that the stand-in has."""

    CREATE_STATUS = auto()
    LIST_STATUSES = auto()
    COMBINED_STATUS = auto()
    COMMIT = auto()
    REPOSITORY = auto()
    RATE_LIMIT = auto()


_REPOSITORY = r"/(?:repos/(?P<repository>[^/]+/[^/]+)|repositories/(?P<id>\d+))"
_ROUTES = (
    ("POST", re.compile(_REPOSITORY + r"/statuses/(?P<ref>[^/]+)"), Endpoint.CREATE_STATUS),
    # the older route of the same list: a POST that a client turned into a GET ends here, with 200
    ("GET", re.compile(_REPOSITORY + r"/statuses/(?P<ref>[^/]+)"), Endpoint.LIST_STATUSES),
    ("GET", re.compile(_REPOSITORY + r"/commits/(?P<ref>[^/]+)/statuses"), Endpoint.LIST_STATUSES),
    ("GET", re.compile(_REPOSITORY + r"/commits/(?P<ref>[^/]+)/status"), Endpoint.COMBINED_STATUS),
    ("GET", re.compile(_REPOSITORY + r"/commits/(?P<ref>.*[^/])"), Endpoint.COMMIT),  # a branch may have slashes
    ("GET", re.compile(_REPOSITORY), Endpoint.REPOSITORY),
    ("GET", re.compile(r"/rate_limit"), Endpoint.RATE_LIMIT),
)


@dataclass(frozen=True, slots=True)
class Route:
    """The target of a path. Either `repository` ("owner/name") or `repository_id`; neither for the rate limit."""

    endpoint: Endpoint
    repository: str | None = None
    repository_id: int | None = None
    ref: str = ""


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
    def route(self) -> Route | None:
        """The endpoint of the request. None: GitHub has none there, for instance with a trailing slash."""
        for method, pattern, endpoint in _ROUTES:
            if self.method == method and (found := pattern.fullmatch(self.path)):
                named = found.groupdict()
                number = named.get("id")
                return Route(endpoint, named.get("repository"), int(number) if number else None, named.get("ref", ""))
        return None

    @property
    def context(self) -> str | None:
        """The context a request to create a status names. None: it is none, or names none that is a string."""
        return self._asked("context", "default")

    @property
    def state(self) -> str | None:
        """The state a request to create a status names. None: it is none, or names none that is a string."""
        return self._asked("state", None)

    def _asked(self, name: str, default: str | None) -> str | None:
        if self.method != "POST":
            return None
        try:
            asked = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        value = asked.get(name, default) if isinstance(asked, dict) else None
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply. A string as `body` is sent as it is, all else as JSON. `status_id`: the status it created.

    `is_githubs`: it has the headers that all of GitHub's have.
    """

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    status_id: int | None = None
    is_githubs: bool = True

    def with_headers(self, headers: Mapping[str, str]) -> "Answer":
        """The same answer with *headers* over its own; names are compared without regard to case."""
        changed = {name.lower() for name in headers}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in changed}
        return replace(self, headers={**kept, **headers})

    def content(self) -> tuple[bytes, str]:
        """The bytes of the body, and their media type."""
        if isinstance(self.body, str):
            kind = "text/html" if self.body.lstrip().startswith("<") else "text/plain"
            return self.body.encode(), f"{kind}; charset=utf-8"
        return json.dumps(self.body, ensure_ascii=False).encode(), "application/json; charset=utf-8"
