"""The target of a request as a user enters it, validated before it becomes a `Target`."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from domain.addresses import names_user
from domain.delivery.commit_status import MAX_CONTEXT, short_enough
from domain.delivery.target import Target
from domain.text import one_line

MAX_URL = 2000


class TargetRequest(BaseModel):
    """A commit on GitHub, the context and link of the outcome on it, and the commit that it is compared with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repository: Annotated[
        str,
        Field(
            description="The repository on GitHub, as owner/name.",
            pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$",
            max_length=200,
            examples=["octocat/hello-world"],
        ),
    ]
    sha: Annotated[
        str,
        Field(
            description="The whole hash of the commit, 40 hexadecimal digits; no branch, no abbreviation.",
            pattern=r"^[0-9a-fA-F]{40}$",
            examples=["6dcb09b5b57875f334f61aebed695e2e4193db5e"],
        ),
    ]
    context: Annotated[
        str,
        Field(
            description="Under which name the outcome shows on the commit. Empty: the job type's own.",
            pattern=r"^$|\S",
            max_length=MAX_CONTEXT,
            examples=["docs/sphinx"],
        ),
    ] = ""
    url: Annotated[
        str,
        Field(
            description="Where the outcome links to, http or https. Empty: the page of this run.",
            pattern=r"^([Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@]+([/?#]\S*)?)?$",
            max_length=MAX_URL,
            examples=["https://docs.example.com/preview/42"],
        ),
    ] = ""

    since: Annotated[
        str,
        Field(
            description="The commit to compare with, 40 hexadecimal digits: if none of the job type's paths has "
            "changed since, the job is skipped. Empty: it is not.",
            pattern=r"^([0-9a-fA-F]{40})?$",
            examples=["7fd1a60b01f91b314f59955a4e4d4e80d8edf11d"],
        ),
    ] = ""

    @field_validator("repository")
    @classmethod
    def _names_no_folder(cls, repository: str) -> str:
        if {".", ".."} & set(repository.split("/")):
            raise ValueError('"." and ".." are no names on GitHub')
        return repository

    @field_validator("context")
    @classmethod
    def _says_something(cls, context: str) -> str:
        if context and ("\0" in context or not one_line(context)):
            raise ValueError("must have visible characters and no NUL")
        return short_enough(context)

    @field_validator("url", mode="before")
    @classmethod
    def _names_no_user(cls, url: object) -> object:
        if isinstance(url, str) and names_user(url):
            raise ValueError("must not hold a user or password: it is public")
        return url

    @field_validator("url")
    @classmethod
    def _can_be_parsed(cls, url: str) -> str:
        if not url.isprintable():
            raise ValueError("must not contain control characters")
        urlsplit(url)  # raises ValueError, for example if an IPv6 address is not closed
        return url

    def to_target(self, default_context: str) -> Target:
        """The `Target`, with *default_context* if the request names none."""
        return Target(self.repository, self.sha.lower(), one_line(self.context or default_context))
