"""Scripted faults: which requests they apply to, before or after something is stored, and how often."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from fake_github.surfaces.surface import Asked


class Kind(StrEnum):
    """Kinds of faults. The comments name the fields of `Fault` that a kind uses beside `status` and `headers`."""

    # the connection
    CLOSE = "close"  # it ends in order, without a reply
    RESET = "reset"  # it ends with a TCP reset
    HANG = "hang"  # no reply for `seconds`, then the real one; without `seconds`, none until the client gives up
    DRIP = "drip"  # the real reply, its body spread over `seconds`
    TRUNCATE = "truncate"  # half of the body that Content-Length promises, then the connection ends
    BOMB = "bomb"  # the real reply, compressed unasked: some hundred bytes that make 64 MiB
    # replies that leave open whether it was stored
    SERVER_ERROR = "server_error"  # 502 {"message": "Server Error"}, or another status
    HTML = "html"  # 502 and a page ("Unicorn!") instead of JSON
    ODD_SUCCESS = "odd_success"  # the real body with 202, or another status
    FOREIGN = "foreign"  # 201 with the body of another context
    # limits
    PRIMARY_LIMIT = "primary_limit"  # 403, or `status` 429; nothing remains for `seconds` (600)
    SECONDARY_LIMIT = "secondary_limit"  # 403, or `status` 429; Retry-After only with `seconds`
    ABUSE_LIMIT = "abuse_limit"  # the same in the words of old
    LOGIN_ATTEMPTS = "login_attempts"  # 403, for valid credentials too
    # refusals
    BAD_CREDENTIALS = "bad_credentials"  # 401
    FORBIDDEN = "forbidden"  # 403: the permission is missing
    ARCHIVED = "archived"  # 403
    SSO = "sso"  # 403 with X-GitHub-SSO
    BLOCKED = "blocked"  # 451, or `status` 403
    NOT_FOUND = "not_found"  # 404
    GONE = "gone"  # 410: an API version no longer supported
    NO_SUCH_COMMIT = "no_such_commit"  # 422
    TOO_MANY = (
        "too_many"  # 422: one more status on a commit than may have its context; more annotations than a request takes
    )
    # an intermediary before GitHub
    INTERMEDIARY = "intermediary"  # 403, or `status`, and a page, or `body`; none of GitHub's headers, but `headers`
    INNER_LINKS = "inner_links"  # the real answer; its page links are on `location`, else http://github.internal
    # the rest
    REDIRECT = "redirect"  # 301 for reads, 307 otherwise, or `status`; to `location`, else to /repositories/{id}/…
    LAG = "lag"  # a read shows what was held `seconds` ago, or `fields` of it; an App's new token is 401 for `seconds`
    ANSWER = "answer"  # `status` and `body` as given


_NAMED = ("repository", "sha", "context", "state", "external_id")
Lagging: TypeAlias = Literal["status", "conclusion", "started_at", "completed_at", "external_id", "output"]


class Fault(BaseModel):
    """One fault. Matches a request that fits all of `method`, `endpoint`, and what it names, that it gives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    where: Literal["before", "after"] = "before"
    """`after` storing what it creates; `before`: instead, unless `stored_after`, or a hang that ends, does so late."""
    times: Annotated[int, Field(ge=0)] = 1
    """The number of requests that it applies to; 0: all, until it is cleared."""
    method: Literal["POST", "PATCH", "GET", "*"] | None = None
    """None: the method of the kind, GET for `lag`, else POST."""
    endpoint: str = ""
    """Requests to one endpoint, by its name, such as `access_tokens` or `check_run`. Default: all but those of Apps."""
    repository: str | None = None
    sha: str | None = None
    context: str | None = None
    state: str | None = None
    """Of a check run: its conclusion, else its status, as the request has it."""
    external_id: str | None = None
    status: Annotated[int, Field(ge=200, le=599)] | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None
    stored_after: Annotated[float, Field(ge=0)] | None = None
    """It is stored all the same, this many seconds after its request arrived."""
    fields: tuple[Lagging, ...] = ()
    """The fields of a check run that lag; default: all."""
    headers: dict[str, str] = {}
    body: JsonValue = None
    location: str | None = None

    @property
    def store_in(self) -> timedelta | None:
        """When what the request creates is stored, counted from its arrival. None: never."""
        if self.where == "after" or self.kind in (Kind.LAG, Kind.DRIP):
            return timedelta(0)
        seconds = self.stored_after
        if seconds is None and self.kind is Kind.HANG:
            seconds = self.seconds
        return None if seconds is None else timedelta(seconds=seconds)

    def strikes(self, asked: Asked) -> bool:
        """Whether it applies to a request that asks for *asked*; a redirect never to one that followed a redirect."""
        method = self.method or ("GET" if self.kind is Kind.LAG else "POST")
        if asked.endpoint.name != self.endpoint if self.endpoint else asked.endpoint.of_apps:
            return False
        if method not in ("*", asked.endpoint.method) or (self.kind is Kind.REDIRECT and asked.is_numbered):
            return False
        found = {**asked.named, "repository": asked.repository, "sha": asked.sha}
        wanted = ((name, getattr(self, name)) for name in _NAMED)
        return all(one is None or one.lower() == str(found.get(name, "")).lower() for name, one in wanted)


class Script:
    """The pending faults, in order: the first that matches a request applies."""

    def __init__(self) -> None:
        self.to_come: list[Fault] = []
        """Each with its remaining `times`."""

    def add(self, *faults: Fault) -> None:
        """Append *faults* to the pending ones."""
        self.to_come += faults

    def clear(self) -> None:
        """Remove all faults."""
        self.to_come.clear()

    def take(self, asked: Asked) -> Fault | None:
        """The fault for a request that asks for *asked*, counted down by one. None: there is none."""
        for place, fault in enumerate(self.to_come):
            if fault.strikes(asked):
                if fault.times == 1:
                    del self.to_come[place]
                elif fault.times:
                    self.to_come[place] = fault.model_copy(update={"times": fault.times - 1})
                return fault
        return None
