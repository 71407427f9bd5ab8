"""URL templates of jobs.toml for the link of a successful job's outcome."""

from string import Formatter
from typing import Annotated
from urllib.parse import quote, urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field

from domain.addresses import names_user
from domain.delivery.target import Target
from domain.jobs.target_request import MAX_URL

PLACES = ("job", "type", "repository", "owner", "name", "sha", "context")


def _check(template: str) -> str:
    try:
        named = [(name, layout, turned) for _, name, layout, turned in Formatter().parse(template) if name is not None]
    except ValueError:
        raise ValueError("has a brace without its other half") from None
    if any(name not in PLACES or layout or turned for name, layout, turned in named):
        raise ValueError(f"allowed in braces: {', '.join(PLACES)}")
    sample = template.format_map(dict.fromkeys(PLACES, "a"))
    parts = urlsplit(sample)
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in sample or not sample.isprintable():
        raise ValueError('must be an http or https URL, such as "https://docs.example.com/preview/{job}/"')
    if names_user(sample):
        raise ValueError("must not hold a user or password: it is public")
    return template


OutputURL = Annotated[str, Field(max_length=1000), AfterValidator(_check)]
"""An http or https URL with the placeholders {job}, {type}, {repository}, {owner}, {name}, {sha} and {context}."""


def filled(template: str, *, job: UUID, job_type: str, target: Target) -> str | None:
    """The URL for one job. None: it is too long for a status's link."""
    owner, _, name = target.repository.partition("/")
    values = {
        "job": str(job),
        "type": job_type,
        "repository": target.repository,
        "owner": owner,
        "name": name,
        "sha": target.sha,
        "context": target.context,
    }
    url = template.format_map({place: quote(value, safe="/") for place, value in values.items()})
    return url if len(url) <= MAX_URL else None
