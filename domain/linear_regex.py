"""Regular expressions that take no longer than a text is long, whatever they are and whatever is in it.

They are those of Rust's regex, which pydantic brings: https://docs.rs/regex/latest/regex/#untrusted-input. Python's own
may try for years what does not match.
"""

from collections.abc import Callable
from functools import cache

from pydantic_core import SchemaError, SchemaValidator
from pydantic_core.core_schema import str_schema


@cache
def whole(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches *pattern* as a whole.

    Raises:
        ValueError: *pattern* is no regular expression, is too large, or needs what takes more time.
    """
    try:
        SchemaValidator(str_schema(pattern=pattern))  # alone it must hold, too: "a)|(b" would lift the bounds below
        return SchemaValidator(str_schema(pattern=rf"\A(?:{pattern})\z")).isinstance_python
    except SchemaError as error:
        why = str(error).splitlines()[-1].strip().removeprefix("error: ").removeprefix("SchemaError: ")
        raise ValueError(f"{pattern!r} is not a regular expression that can be used here: {why}") from None
