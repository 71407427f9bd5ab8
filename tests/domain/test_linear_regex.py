"""Patterns of jobs.toml match in linear time, whatever a request contains."""

import re

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from domain.linear_regex import compiled

PATTERNS = [
    "[a-z]{2}(_[A-Z]{2})?",
    "[A-Za-z0-9][A-Za-z0-9 ()/_-]*",
    "a|ab",
    "(?i)é+",
    "",
    r"(?a:\w+)",
    "(?s).*",
    "^a$",
    "(?P<x>a)b",
    "([a-z]+-?)+",
]


def test_expressions_are_re2s() -> None:
    assert type(compiled("a")) is type(re2.compile("a"))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("pattern", ["([a-z]+-?)+", "([a-z]+)*", "(a|a)*", "(a|aa)+", "(.*a){20}", "(a?){50}a{50}"])
def test_no_pattern_and_text_take_long_together(pattern: str) -> None:
    """Python's own would take years."""
    assert compiled(pattern).fullmatch("a" * 60)
    assert not compiled(pattern).fullmatch("a" * 1000 + "!")


@pytest.mark.parametrize("pattern", PATTERNS)
@given(st.text("abAB_éÉ 9/-\n", max_size=6))
def test_common_patterns_mean_what_they_mean_in_python(pattern: str, text: str) -> None:
    if not text.endswith("\n"):  # behind which Python's $ matches too; no value of an option has one
        found = compiled(pattern.replace("(?a:", "(?:")).fullmatch(text)
        assert (found is not None) is (re.fullmatch(pattern, text) is not None)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?=a)b", "it has no look-around"),
        ("(?<!a)b", "it has no look-around"),
        (r"(a)\1", "it has no back-references"),
        ("(?P<x>a)(?P=x)", "it has no back-references"),
        (r"a\Z", r"it has no \Z: write \z"),
        ("a{,5}", "it has no {,5}: write {0,5}"),
        ("(", "missing ): ("),
        ("a)|(b", "unexpected ): a)|(b"),
        ("(?>a)", "invalid perl operator: (?>"),
        (r"\p{L}{1,500}", "pattern too large - compile failed"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_what_is_lacking(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'RE2 cannot use this regular expression: {why}')}$"):
        compiled(pattern)


@pytest.mark.parametrize("cured", [r"\w{1,255}", r"a\z", "a{0,5}", r"\{,5|a"])
def test_the_suggested_replacements_work(cured: str) -> None:
    assert compiled(cured).fullmatch("a")
