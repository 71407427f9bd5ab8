"""The settings of an installation, from `REPORTBACK_…`. Read only in flows, task wrappers and commands."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BeforeValidator, Field, HttpUrl, field_validator, model_validator
from pydantic_core import from_json
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.addresses import is_this_machine, names_user
from domain.delivery.budget import WriteBudget, parse_budget
from domain.delivery.credential_name import CREDENTIAL
from domain.delivery.policy import MOST_SENDERS, Policy
from domain.delivery.repository_patterns import PATTERN
from domain.delivery.surface import SurfaceName
from domain.git.git_url import protocol_of
from domain.process.job_user import Ids, parse_job_user
from domain.redact import TOKEN
from domain.text import clean, quoted
from domain.units import Size, written_span

ROOT = Path(__file__).resolve().parent
"""The checkout. Prefect's process worker runs a flow in a temporary folder, so no default path is relative."""

SHORTEST_SETTLE = timedelta(seconds=15)
"""GitHub works on a request for up to 10 s, and its reads may lag its writes by 5 s."""

SHORTEST_TIMEOUT = timedelta(seconds=10)
"""GitHub itself gives a request up after 10 s; a shorter timeout causes doubts about requests that it would answer."""

SHORTEST_KEEP = timedelta(days=1)
"""The write budget counts the requests of the last hour, and late requests are verified for that long."""


def _seconds(value: object) -> object:
    """Convert a span written as 90, 90s, 5m, 1h30m or 30d; pydantic converts other forms."""
    if not isinstance(value, str):
        return value
    written = written_span(value.strip())
    return (int(value) if value.strip().isdigit() else value) if written is None else written


def _json(value: object) -> object:
    """Parse JSON with a bound on nesting, which pydantic-settings does not have."""
    try:
        return from_json(value) if isinstance(value, str) else value
    except ValueError as error:  # names no more than a place
        raise ValueError(f'REPORTBACK_CREDENTIALS is no JSON such as {{"acme/*": "env:ACME_TOKEN"}}: {error}') from None


def _report_as(value: object) -> object:
    """Parse `status`, `check_run`, for every repository, or JSON by patterns."""
    if not isinstance(value, str):
        return value
    if value.strip() in set(SurfaceName):
        return {"*": value.strip()}
    try:
        named = from_json(value)
    except ValueError:
        named = None
    if not isinstance(named, dict) or not set(map(str, named.values())) <= set(SurfaceName):
        raise ValueError(
            f"REPORTBACK_REPORT_AS: {quoted(value)}; allowed: status, check_run, or either by patterns of "
            'repositories, as {"acme/*": "status"}'
        )
    return named


def _budget(value: object) -> object:
    return parse_budget(value) if isinstance(value, str) else value


def _words(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _job_user(value: object) -> object:
    return parse_job_user(value.strip()) if isinstance(value, str) else value


def _id(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return UUID(value)
    except ValueError:  # not quoted, as no value is
        raise ValueError(
            "REPORTBACK_LEDGER_ID is no ledger's id: `reportback db id` prints it; deployments carry it as a tag"
        ) from None


Span = Annotated[timedelta, BeforeValidator(_seconds), Field(gt=timedelta(0), le=timedelta(days=1))]


def state_folder() -> Path:
    """The folder for data of this machine's user.

    https://specifications.freedesktop.org/basedir-spec/latest/ says that a relative XDG_STATE_HOME is to be ignored.
    """
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".local" / "state") / "reportback"


def _embedded_ledger() -> str:
    return f"sqlite:///{state_folder() / 'ledger.db'}"


class Settings(BaseSettings):
    """All settings, checked together at start: an invalid combination is refused with the reason."""

    model_config = SettingsConfigDict(
        env_prefix="REPORTBACK_", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    database_url: str = Field(default_factory=_embedded_ledger, repr=False)  # may hold a password
    local_file_systems: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = ()
    """File systems that only this host uses, by Linux's names, beside the known ones."""
    ledger_id: Annotated[UUID | None, BeforeValidator(_id)] = None
    """The only ledger to use; the tag of a deployment replaces it. Unset, any ledger is accepted."""
    github_api_url: HttpUrl = HttpUrl("https://api.github.com")
    ca_file: Path | None = None
    """Certificates to trust, instead of the system's."""
    allow_http: bool = False
    """Whether GitHub may be reached over plain HTTP, which exposes the token to the network."""
    clone_url: str = Field("https://github.com/{repository}.git", repr=False)
    """Without the place for owner/name: one repository for all."""
    credentials: Annotated[Mapping[str, str], NoDecode, BeforeValidator(_json)] = Field(default_factory=dict)
    report_as: Annotated[Mapping[str, SurfaceName], NoDecode, BeforeValidator(_report_as)] = Field(default_factory=dict)
    """By patterns of repositories. Where none matches: check runs of an App, statuses of a token."""
    app_keys: Path = Field(default_factory=lambda: state_folder() / "apps")
    """The folder with the private keys of GitHub Apps, `CLIENT_ID.pem` each."""
    allowed_repositories: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = ()
    """Patterns over owner/name; a repository that none matches is refused. Without any, the credentials decide."""
    jobs_file: Path = ROOT / "jobs.toml"
    job_user: Annotated[str | Ids | None, NoDecode, BeforeValidator(_job_user)] = None
    lease: Span = timedelta(seconds=30)
    timeout: Span = timedelta(seconds=15)
    settle_after: Span = timedelta(seconds=20)
    interval: Span = timedelta(seconds=60)
    pass_budget: Span = timedelta(seconds=50)
    first_delay: Span = timedelta(seconds=60)
    senders: Annotated[int, Field(ge=1, le=MOST_SENDERS)] = 8
    write_budget: Annotated[WriteBudget | None, NoDecode, BeforeValidator(_budget)] = WriteBudget()
    pushgateway_url: HttpUrl | None = Field(None, repr=False)  # may hold a password
    keep: Annotated[timedelta, BeforeValidator(_seconds), Field(ge=SHORTEST_KEEP)] = timedelta(days=30)
    output_dir: Path = Field(default_factory=lambda: state_folder() / "output")
    keep_outputs: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    keep_outputs_for: Annotated[timedelta, BeforeValidator(_seconds), Field(gt=timedelta(0))] = timedelta(days=30)
    cache_dir: Path = Field(default_factory=lambda: state_folder() / "cache")
    cache_size: Size = 10 * 1024**3

    @model_validator(mode="before")
    @classmethod
    def _is_text(cls, given: Mapping[str, object]) -> Mapping[str, object]:
        for name, value in given.items():
            if isinstance(value, str) and clean(value) != value:
                raise ValueError(f"REPORTBACK_{name.upper()} holds bytes that are not UTF-8: write it in UTF-8")
        return given

    @field_validator("credentials")
    @classmethod
    def _names_no_token(cls, credentials: Mapping[str, str]) -> Mapping[str, str]:
        for number, name in enumerate(credentials.values(), start=1):
            if not CREDENTIAL.fullmatch(name) or TOKEN.search(name):  # not quoted: it may be a token
                raise ValueError(
                    f"REPORTBACK_CREDENTIALS: the value of pattern {number} is neither env:VARIABLE nor "
                    "secret:BLOCK, the name of a Secret block of Prefect, nor app:CLIENT_ID, a GitHub App; the token "
                    "itself belongs there, not here"
                )
        return credentials

    @field_validator("allowed_repositories")
    @classmethod
    def _are_patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if not PATTERN.fullmatch(pattern):
                raise ValueError(
                    f"REPORTBACK_ALLOWED_REPOSITORIES: {quoted(pattern)} means no repository; allowed: owner/name or "
                    "patterns such as acme/*, with commas or blanks between them"
                )
        return patterns

    @field_validator("github_api_url", mode="before")
    @classmethod
    def _names_nobody(cls, url: object) -> object:
        if names_user(str(url)):
            raise ValueError(
                "REPORTBACK_GITHUB_API_URL must hold no user or password: the token authenticates requests"
            )
        return url

    @field_validator("clone_url")
    @classmethod
    def _has_one_place(cls, clone_url: str) -> str:
        parts = urlsplit(clone_url)
        if parts.password or (parts.scheme in {"http", "https"} and parts.username):
            raise ValueError(
                "REPORTBACK_CLONE_URL must hold no token or password: every user can read git's command line"
            )
        try:
            whole = clone_url.format(repository="owner/name")
        except (LookupError, ValueError, AttributeError):  # not quoted: it may hold a password
            raise ValueError(
                "REPORTBACK_CLONE_URL may hold {repository}, the place for owner/name, and no other braces"
            ) from None
        try:
            protocol_of(whole)
        except ValueError as error:
            raise ValueError(f"REPORTBACK_CLONE_URL: {error}") from None
        return clone_url

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.timeout < SHORTEST_TIMEOUT:
            raise ValueError(
                f"REPORTBACK_TIMEOUT must be at least {SHORTEST_TIMEOUT}: GitHub may take that long to answer"
            )
        if self.lease < 2 * self.timeout:
            raise ValueError(
                f"REPORTBACK_LEASE ({self.lease}) must be at least twice REPORTBACK_TIMEOUT ({self.timeout}): "
                "a request must end before its lease does"
            )
        if self.settle_after < SHORTEST_SETTLE:
            raise ValueError(
                f"REPORTBACK_SETTLE_AFTER ({self.settle_after}) must be at least {SHORTEST_SETTLE}: GitHub may store a "
                "request for 10 s after it was given up, and show it 5 s later"
            )
        for name, url in (("GITHUB_API_URL", str(self.github_api_url)), ("CLONE_URL", self.clone_url)):
            parts = urlsplit(url)
            if parts.scheme == "http" and not self.allow_http and not is_this_machine(parts.hostname or ""):
                raise ValueError(
                    f"REPORTBACK_{name} is plain http://, over which others can read and change what is sent: use "
                    "https://, or set REPORTBACK_ALLOW_HTTP=true where the network is yours"
                )
        if self.pass_budget > self.interval:
            raise ValueError(
                f"REPORTBACK_PASS_BUDGET ({self.pass_budget}) must not exceed REPORTBACK_INTERVAL ({self.interval})"
            )
        for name, path in (
            ("JOBS_FILE", self.jobs_file), ("OUTPUT_DIR", self.output_dir), ("CACHE_DIR", self.cache_dir),
            ("CA_FILE", self.ca_file), ("APP_KEYS", self.app_keys),
        ):  # fmt: skip
            if path is not None and not path.is_absolute():
                raise ValueError(f"REPORTBACK_{name} must be absolute: flows run in a temporary folder")
        return self

    @property
    def pushgateway(self) -> str | None:
        """The Pushgateway's address."""
        return str(self.pushgateway_url) if self.pushgateway_url else None

    @property
    def policy(self) -> Policy:
        """The times by which reports are delivered."""
        return Policy(
            lease=self.lease,
            timeout=self.timeout,
            settle_after=self.settle_after,
            first_delay=self.first_delay,
            budget=self.write_budget,
        )
