"""Options of a request: typed, bounded, and never passed to the command as another option."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.jobs.options import BadOptions, Option, arguments, check_options

DEEP: list[Any] = []
for _ in range(3000):
    DEEP = [DEEP]
DECLARED = TypeAdapter(dict[str, Option]).validate_python(
    {
        "language": {"type": "string", "pattern": "[a-z-]+", "max_length": 5, "args": ["-D", "language={value}"]},
        "any": {"type": "string", "pattern": "(?s).*", "args": ["{value}"]},
        "depth": {"type": "integer", "minimum": -3, "maximum": 3, "args": ["--depth={value}"]},
        "strict": {"type": "flag", "default": True, "args": ["--strict", "-W"]},
    }
)


@pytest.mark.parametrize(
    ("given_options", "appended"),
    [
        ({}, ("--strict", "-W")),
        ({"strict": False}, ()),
        ({"strict": False, "depth": -3, "language": "de"}, ("-D", "language=de", "--depth=-3")),
        ({"strict": False, "any": "a; rm -rf $HOME {value}"}, ("a; rm -rf $HOME {value}",)),
    ],
)
def test_options_become_arguments_that_no_shell_reads(
    given_options: dict[str, object], appended: tuple[str, ...]
) -> None:
    assert arguments(DECLARED, given_options) == appended


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("nosuch", 1, "is no option of this job (its options: language, any, depth, strict)"),
        ("language", "toolong", "at most 5 characters"),
        ("language", "DE", "must match [a-z-]+"),
        ("language", "de\n", "must not contain control characters"),
        ("language", 5, "must be a string"),
        ("language", None, "must be a string"),
        ("any", "a\0b", "must not contain control characters"),
        ("any", "\ud800", "must not contain control characters"),
        ("depth", 4, "must be a whole number from -3 to 3"),
        ("depth", 1.0, "must be a whole number from -3 to 3"),
        ("depth", True, "must be a whole number from -3 to 3"),
        ("depth", "4", "must be a whole number from -3 to 3"),
        ("depth", "1.0", "must be a whole number from -3 to 3"),
        ("depth", " 1", "must be a whole number from -3 to 3"),
        ("strict", "yes", "must be true or false"),
        ("strict", 1, "must be true or false"),
        ("strict", DEEP, "must be true or false, not a list"),
        ("depth", {"a": DEEP}, "must be a whole number from -3 to 3, not a dict"),
    ],
)
def test_an_invalid_option_is_refused_by_name_with_the_allowed_values(name: str, value: object, allowed: str) -> None:
    with pytest.raises(BadOptions) as refused:
        check_options(DECLARED, {name: value})
    assert name in str(refused.value)
    assert allowed in str(refused.value)


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(BadOptions, match=r"'nosuch' is no option.*; depth must be.*; strict must be"):
        check_options(DECLARED, {"strict": 0, "depth": 9, "nosuch": 1})


def test_numbers_and_flags_may_be_given_as_texts() -> None:
    as_text = arguments(DECLARED, {"depth": "-2", "strict": "True"})
    assert as_text == arguments(DECLARED, {"depth": -2, "strict": True})
    assert arguments(DECLARED, {"depth": "03", "strict": "false"}) == arguments(DECLARED, {"depth": 3, "strict": False})


@pytest.mark.timeout(20)
def test_no_value_of_an_option_takes_long() -> None:
    declared = {"type": "string", "pattern": "([a-z]+)*", "max_length": 1000, "args": ["{value}"]}
    assert TypeAdapter(Option).validate_python(declared).problem("a" * 999 + "!") == "must match ([a-z]+)*"


@given(st.text())
def test_no_text_poses_as_an_option_whatever_its_pattern_allows(value: str) -> None:
    try:
        appended = arguments(DECLARED, {"any": value, "strict": False})
    except BadOptions:
        return
    assert not appended[0].startswith("-")


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"type": "string", "args": ["{value}"]}, "needs a pattern or choices"),
        ({"type": "string", "args": ["{value}"], "choices": []}, "at least 1 item"),
        ({"type": "string", "args": ["{value}"], "choices": ["-x"]}, "'-x' could never be given"),
        ({"type": "string", "args": ["{value}"], "pattern": "a", "default": "b"}, "'b' could never be given"),
        ({"type": "string", "args": ["{value}"], "pattern": "("}, "RE2 cannot use this regular expression"),
        ({"type": "string", "args": ["--x"], "pattern": "a"}, 'one argument must contain "{value}"'),
        ({"type": "string", "args": [], "pattern": "a"}, "at least 1 item"),
        ({"type": "string", "args": ["\0{value}"], "pattern": "a"}, "NUL"),
        ({"type": "string", "args": ["{value}"], "pattern": "a", "max_length": 5000}, "less than or equal to 1000"),
        ({"type": "integer", "args": ["{value}"], "minimum": 0}, "maximum"),
        ({"type": "integer", "args": ["{value}"], "minimum": 2, "maximum": 1}, "minimum is greater than maximum"),
        ({"type": "integer", "args": ["{value}"], "minimum": -1, "maximum": 1}, "would pose as an option"),
        ({"type": "integer", "args": ["{value}"], "minimum": 0, "maximum": 1, "default": 2}, "default: must be"),
        ({"type": "integer", "args": ["{value}"], "minimum": True, "maximum": 1}, "valid integer"),
        (
            {"type": "integer", "args": ["{value}"], "minimum": 0, "maximum": 1, "default": 1, "required": True},
            "its default would have no use",
        ),
        ({"type": "flag", "args": ["--x"], "required": True}, "not permitted"),
        ({"type": "flag", "args": ["--x={value}"]}, "a flag has no value"),
        ({"type": "flag", "args": ["--x"], "default": "yes"}, "valid boolean"),
        ({"type": "flag", "args": ["--x"], "choices": ["a"]}, "not permitted"),
        ({"type": "path", "args": ["--x"]}, "'string', 'integer', 'flag'"),
    ],
)
def test_an_unsound_declaration_is_refused(option: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Option).validate_python(option)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "option", [{"type": "string", "pattern": "[a-f0-9]+"}, {"type": "integer", "minimum": 1, "maximum": 9}]
)
def test_a_required_option_that_is_missing_is_named_with_what_is_allowed(option: dict[str, Any]) -> None:
    declared = TypeAdapter(dict[str, Option]).validate_python(
        {"page": {**option, "required": True, "args": ["{value}"]}}
    )
    with pytest.raises(BadOptions, match=f"page must be given: {re.escape(declared['page'].allowed)}"):
        arguments(declared, {})
    assert arguments(declared, {"page": "7" if option["type"] == "string" else 7}) == ("7",)
