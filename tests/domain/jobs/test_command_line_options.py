"""Parses options given on a command line."""

import pytest
from pydantic import TypeAdapter

from domain.jobs.command_line_options import given_options
from domain.jobs.options import BadOptions, Option

DECLARED: dict[str, Option] = TypeAdapter(dict[str, Option]).validate_python(
    {
        "language": {"type": "string", "pattern": "[a-z]{2}|[0-9]+|true", "args": ["{value}"]},
        "processes": {"type": "integer", "minimum": 1, "maximum": 8, "args": ["-j", "{value}"]},
        "strict": {"type": "flag", "args": ["--strict"]},
    }
)


def test_each_value_gets_the_type_that_its_option_declares() -> None:
    words = ("language=12", "processes=8", "strict=TRUE")
    assert given_options(words, DECLARED) == {"language": "12", "processes": 8, "strict": True}


def test_a_value_may_hold_what_parts_it_from_its_name() -> None:
    assert given_options(("filter=a=b",), None) == {"filter": "a=b"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("processes=9",), "processes must be a whole number from 1 to 8, not '9'"),
        (("processes=many",), "processes must be a whole number from 1 to 8, not 'many'"),
        (("strict=1",), "strict must be true or false, not '1'"),
        (("output=/",), "'output' is no option of this job"),
        (("strict",), "'strict' is not name=value"),
        (("=1",), "'=1' is not name=value"),
        (("processes=1", "processes=2"), "processes is given twice"),
    ],
)
def test_an_invalid_option_is_refused_by_its_name(words: tuple[str, ...], problem: str) -> None:
    with pytest.raises(BadOptions, match=problem):
        given_options(words, DECLARED)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("8", 8),
        ("true", True),
        ("de", "de"),
        ("007", "007"),
        ("1.5", "1.5"),
        ('"8"', "8"),
        ("null", "null"),
        ("[1]", "[1]"),
        ("", ""),
        ("9" * 5000, "9" * 5000),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_where_nothing_is_declared_here_a_value_is_what_json_takes_it_for(word: str, value: object) -> None:
    assert given_options((f"x={word}",), None) == {"x": value}
