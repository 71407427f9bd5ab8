"""Says what is allowed where a value was refused, instead of pydantic's own words."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from domain.units import in_words

WORDS = {
    "missing": "is missing",
    "string_type": "has to be a text",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_from_float": "has to be a whole number",
    "bool_type": "has to be true or false",
    "bool_parsing": "has to be true or false",
    "list_type": "has to be a list",
    "tuple_type": "has to be a list",
    "dict_type": "has to be a table, in JSON an object",
    "model_type": "has to be a table, in JSON an object",
    "mapping_type": "has to be a table, in JSON an object",
    "time_delta_type": 'has to be a span, such as "90s", "5m", "1h30m" or "30d"',
    "time_delta_parsing": 'has to be a span, such as "90s", "5m", "1h30m" or "30d"',
    "path_type": "has to be a path",
    "url_type": "has to be an address, such as https://api.github.com",
    "url_parsing": "has to be an address, such as https://api.github.com",
    "url_scheme": "has to be an address that begins with http:// or https://",
    "string_pattern_mismatch": "has to match the regular expression {pattern}",
    "greater_than": "has to be more than {gt}",
    "greater_than_equal": "has to be at least {ge}",
    "less_than": "has to be less than {lt}",
    "less_than_equal": "has to be at most {le}",
    "string_too_long": "is too long: at most {max_length} characters",
    "string_too_short": "is too short: at least {min_length} characters",
    "too_long": "has {actual_length} entries, of which {max_length} are allowed",
    "too_short": "has {actual_length} entries, and at least {min_length} are needed",
    "literal_error": "has to be {expected}",
    "enum": "has to be {expected}",
    "union_tag_not_found": "has no type: name one",
    "union_tag_invalid": "has the type {tag}; allowed: {expected_tags}",
}
"""By pydantic's names: https://pydantic.dev/docs/validation/latest/errors/validation_errors/"""


SPAN = re.compile(r"(days|seconds|microseconds)=(-?[0-9]+)")
EMPTY = ("string_too_short", "too_short")


def why_refused(kind: str, message: str, context: Mapping[str, Any] | None = None) -> str:
    """Why a value was refused, by pydantic's *kind* of error: what is allowed. Our own reasons stay as they are."""
    words = WORDS.get(kind)
    if kind in EMPTY and (context or {}).get("min_length") == 1:
        return "must not be empty"
    if words is None:
        return message.removeprefix("Value error, ")
    return words.format_map({name: _shown(value) for name, value in (context or {}).items()})


def _shown(value: object) -> object:
    """*value* of a context, in which pydantic writes a span as Python's source."""
    if isinstance(value, str) and value.startswith("datetime.timedelta("):
        value = timedelta(**{unit: int(number) for unit, number in SPAN.findall(value)})
    return in_words(value) if isinstance(value, timedelta) else value
