"""Patterns of jobs.toml match in linear time, whatever a request contains."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.linear_regex import whole

PATTERNS = [
    "[a-z]{2}(_[A-Z]{2})?",
    "[A-Za-z0-9][A-Za-z0-9 ()/_-]*",
    "a|ab",
    "(?i)é+",
    "",
    r"\w+",
    "(?s).*",
    "^a$",
    "(?P<x>a)b",
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("pattern", ["([a-z]+)*", "(a|a)*", "(a|aa)+", "(.*a){20}", "(a?){50}a{50}"])
def test_no_pattern_and_text_take_long_together(pattern: str) -> None:
    """Python's own would take years."""
    assert not whole(pattern)("a" * 1000 + "!")


@pytest.mark.parametrize("pattern", PATTERNS)
@given(st.text("abAB_éÉ 9/\n", max_size=6))
def test_common_patterns_mean_what_they_mean_in_python(pattern: str, text: str) -> None:
    if not text.endswith("\n"):  # behind which Python's $ matches too; no value of an option has one
        assert whole(pattern)(text) is (re.fullmatch(pattern, text) is not None)


TOO_LARGE = [r"\w{1,255}", r"[\w./-]{1,255}", r"(?i)(\w|é|K){1,255}", r"(\w{1,500})?\s?\d?"]


@pytest.mark.parametrize("pattern", TOO_LARGE)
def test_a_pattern_too_large_for_all_letters_takes_those_of_ascii(pattern: str) -> None:
    assert whole(pattern)("aB")
    assert not whole(pattern)("ñ")


@pytest.mark.parametrize("pattern", TOO_LARGE)
@given(st.text("aB_éK\u212a٣ 9/k\n", max_size=6))
def test_such_a_pattern_takes_no_more_than_it_says(pattern: str, text: str) -> None:
    small = re.sub(r"\{1,\d+\}", "{1,9}", pattern)
    assert whole(small)(text) or not whole(pattern)(text)


@pytest.mark.parametrize(
    ("pattern", "remedy"),
    [
        (r"\w{1,255}\b", r"write [0-9A-Za-z_] for \w, or a smaller count"),
        (r"[^\w]{1,255}\w{1,255}", r"write [0-9A-Za-z_] for \w, or a smaller count"),
        (r"\w{1,255}.", r"write [0-9A-Za-z_] for \w, or a smaller count"),
        (r"\p{L}{1,500}", r"write [0-9A-Za-z_] for \w, or a smaller count"),
        (r"a\Z", r"write \z for \Z"),
        ("a{,5}", "write {0,5} for {,5}"),
        ("a{, 5}", ""),
        (r"a\y", ""),
    ],
)
def test_an_unsupported_construct_is_refused_with_a_replacement(pattern: str, remedy: str) -> None:
    with pytest.raises(ValueError, match="is not a regular expression that can be used here") as refused:
        whole(pattern)
    assert str(refused.value).partition("; ")[2] == remedy


@pytest.mark.parametrize("cured", [r"[0-9A-Za-z_]{1,255}", r"a\z", "a{0,5}"])
def test_the_suggested_replacements_work(cured: str) -> None:
    assert whole(cured)("a")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?=a)b", "look-around, including look-ahead and look-behind, is not supported"),
        (r"(a)\1", "backreferences are not supported"),
        ("(", "unclosed group"),
        ("a)|(b", "unopened group"),
        ("(?x)a # c", "unclosed group"),
        (r"(\w{1,1000}){1,1000}", "Compiled regex exceeds size limit"),
    ],
)
def test_a_pattern_that_could_take_long_is_refused_with_the_reason(pattern: str, why: str) -> None:
    with pytest.raises(
        ValueError, match=re.escape(f"{pattern!r} is not a regular expression that can be used here: {why}")
    ):
        whole(pattern)
