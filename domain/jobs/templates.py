"""Templates of jobs.toml, with names in braces: a job's context, and the link of its success."""

from collections.abc import Mapping
from string import Formatter
from typing import Annotated
from urllib.parse import quote, urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field

from domain.addresses import names_user
from domain.delivery.commit_status import MAX_CONTEXT, short_enough
from domain.delivery.target import Target
from domain.jobs.options import FlagOption, IntegerOption, Option, StringOption
from domain.jobs.target_request import MAX_URL
from domain.text import one_line

TYPE = "type"
"""The name in braces that stands for the job type's."""


def default_context(job_type: str) -> str:
    """The context of a job type that names none."""
    return f"docs/{job_type}"


def check_template(template: str, job_type: str, options: Mapping[str, Option]) -> None:
    """Raise ValueError unless *template* names only options that have a value in every request, and is short enough."""
    for name in places_of(template):
        if name != TYPE and name not in options:
            raise ValueError(f"allowed in braces: {', '.join((TYPE, *options))}; not {name!r}")
        if name != TYPE and not _always_has_a_value(options[name]):
            raise ValueError(f"option {name} may be missing: give it a default, or required = true")
    longest = {name: "x" * _longest(option) for name, option in options.items()}
    if len(template.format_map({TYPE: job_type, **longest})) > MAX_CONTEXT:
        raise ValueError(f"may have more than {MAX_CONTEXT} characters: set max_length of its options")


def places_of(template: str) -> list[str]:
    """The names in braces. Raises ValueError: a brace without its other half, or a layout."""
    try:
        parsed = list(Formatter().parse(template))
    except ValueError:
        raise ValueError("has a brace without its other half") from None
    if any(layout or turned for _, _, layout, turned in parsed):
        raise ValueError("allowed in braces: a name and nothing else")
    return [name for _, name, _, _ in parsed if name is not None]


def filled_context(template: str, job_type: str, options: Mapping[str, Option], given: Mapping[str, object]) -> str:
    """The context of a request, whose options may be invalid: then as much of them as fits."""
    values = {name: _text(given.get(name, option.default)) for name, option in options.items()}
    filled = one_line(template.format_map({TYPE: job_type, **values})) or default_context(job_type)
    try:
        return short_enough(filled[:MAX_CONTEXT])
    except ValueError:  # it grows in lower case
        return filled[: MAX_CONTEXT // 4]


def _always_has_a_value(option: Option) -> bool:
    return option.required or option.default is not None


def _longest(option: Option) -> int:
    """Characters of its longest value."""
    match option:
        case StringOption():
            return max(map(len, option.choices)) if option.choices else option.max_length
        case IntegerOption():
            return max(len(str(option.minimum)), len(str(option.maximum)))
        case FlagOption():
            return len("false")


def _text(value: object) -> str:
    """An option's value as it shows in a context."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else ""


PLACES = ("job", "type", "repository", "owner", "name", "sha", "context")


def _checked_url(template: str) -> str:
    if not {*places_of(template)} <= {*PLACES}:
        raise ValueError(f"allowed in braces: {', '.join(PLACES)}")
    sample = template.format_map(dict.fromkeys(PLACES, "a"))
    parts = urlsplit(sample)
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in sample or not sample.isprintable():
        raise ValueError('must be an http or https URL, such as "https://docs.example.com/preview/{job}/"')
    if names_user(sample):
        raise ValueError("must not hold a user or password: it is public")
    return template


OutputURL = Annotated[str, Field(max_length=1000), AfterValidator(_checked_url)]
"""An http or https URL with the placeholders {job}, {type}, {repository}, {owner}, {name}, {sha} and {context}."""


def filled_url(template: str, *, job: UUID, job_type: str, target: Target) -> str | None:
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
