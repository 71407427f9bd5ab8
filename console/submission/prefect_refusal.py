"""Explains why Prefect created no flow run, in terms of the command line."""

import re
from collections.abc import Iterable

import httpx
from pydantic_core import ErrorDetails

from domain.redact import without_credentials
from domain.text import one_line
from domain.wrong_values import why_refused

CALLED = {
    "job": "TYPE",
    "options": "--option",
    "target.repository": "--repo",
    "target.sha": "--sha",
    "target.context": "--context",
    "target.url": "--url",
    "target.since": "--since",
}
"""The form's fields by their names on the command line."""

ALLOWED = {
    "target.repository": "has to be a repository, as owner/name",
    "target.sha": "has to be a commit's whole hash, 40 hexadecimal digits",
    "target.url": "has to be an address that begins with http:// or https://",
    "target.since": "has to be a commit's whole hash, 40 hexadecimal digits",
}
"""What is allowed in the fields whose pattern says it."""

MOST = 500
"""Characters of an answer that are shown."""

_FIELD = re.compile(r"^.*Validation failed(?: for field '(?P<field>[^']*)')?\. Failure reason: (?P<why>.*)$", re.DOTALL)

MEANINGS = tuple(
    (re.compile(message, re.DOTALL), meaning)
    for message, meaning in (
        (r"(?P<value>.*) does not match '.*'$", "{allowed}, not {value}"),
        (r"(?P<value>.*) is not one of \[(?P<known>.*)\]$", "has to be one of {known}, not {value}"),
        (r"'(?P<name>.*)' is a required property$", "{name} is missing"),
        (r"Additional properties are not allowed \((?P<names>.*) (was|were) unexpected\)$", "it has no {names}"),
        (r"(?P<value>.*) is too long$", "it is too long"),
        (r"(?P<value>.*) is not of type 'object'$", "it has to be given by names, not as {value}"),
        (r"(?P<value>.*) is not of type '(?P<kind>\w+)'$", "it has to be of the type {kind}, not {value}"),
    )
)
"""Messages of JSON Schema, and what they mean."""


def refusal(response: httpx.Response) -> str:
    """The message of the answer, with the field that it refuses, if it names one."""
    detail = _detail(response)
    if not isinstance(detail, str):
        return f"HTTP {response.status_code}"
    minded = _FIELD.match(detail)
    words = _in_our_words(minded["field"], minded["why"]) if minded else detail
    return one_line(words)[:MOST]


def _in_our_words(field: str | None, why: str) -> str:
    """What Prefect's form refuses in *field*, where *why* is the message of its JSON Schema; else that message."""
    named = f"{called(field)}: " if field else ""
    for message, meaning in MEANINGS:
        if found := message.match(why):
            given = {"allowed": ALLOWED.get(field or "", "has to have another form"), **found.groupdict()}
            return f"{named}{meaning.format(**given)}"
    return f"{named}{why}"


def problems_of_target(errors: Iterable[ErrorDetails]) -> str:
    """What is wrong with a target, field by field."""
    return "; ".join(map(_problem, errors))


def _problem(error: ErrorDetails) -> str:
    field = ".".join(("target", *map(str, error["loc"])))
    allowed = ALLOWED.get(field) if error["type"] == "string_pattern_mismatch" else None
    words = allowed or why_refused(error["type"], error["msg"], error.get("ctx"))
    return f"{called(field)}: {words}, not {without_credentials(str(error['input']))[:60]!r}"


def called(field: str) -> str:
    """The name of *field* on the command line."""
    return CALLED.get(field, field)


def _detail(response: httpx.Response) -> object:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return response.text if response.text and not response.text.lstrip().startswith("<") else None
    known = (body.get(name) for name in ("detail", "exception_message")) if isinstance(body, dict) else ()
    return next((one for one in known if one), None)
