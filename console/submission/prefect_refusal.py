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

_FIELD = re.compile(r"^.*Validation failed for field '(?P<field>[^']*)'\. Failure reason: (?P<why>.*)$", re.DOTALL)


def refusal(response: httpx.Response) -> str:
    """The message of the answer, with the field that it refuses, if it names one."""
    detail = _detail(response)
    if not isinstance(detail, str):
        return f"HTTP {response.status_code}"
    minded = _FIELD.match(detail)
    words = f"{called(minded['field'])}: {minded['why']}" if minded else detail
    return one_line(words)[:MOST]


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
