"""Makes outside text fit to store and to show."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.text import ELLIPSIS, MAX_DESCRIPTION, clean, fit_description, one_line, readable

ANYTHING = st.text(st.characters(), max_size=400)
"""Every code point, lone surrogates and NUL among them."""

LONG = st.text(st.characters(), min_size=141, max_size=400)
ORDINARY = st.text(st.characters(categories=["L", "N", "P"], max_codepoint=0xFFFF), max_size=300)


@given(text=ANYTHING)
def test_clean_text_can_be_stored_everywhere(text: str) -> None:
    assert "\0" not in clean(text)
    assert clean(text).encode("utf-8").decode("utf-8") == clean(text)


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_text_that_is_clean_is_left_alone(text: str) -> None:
    assert clean(text) == text


PIECES = (
    "\x1b",
    "\x1b[",
    "\x1b]8;;",
    "\x1bP",
    "\x9b",
    "\x9d",
    "\x90",
    "\x07",
    "\x1b\\",
    "\x9c",
    "\b",
    "\r",
    "\u202e",
    "\ufeff",
    "31m",
    "a",
)
HOSTILE = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join)


def does_something(text: str) -> list[str]:
    """The characters of *text* that do more than show."""
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return [c for c in text if unicodedata.category(c) in kinds and c not in "\n\t\u200c\u200d"]


@given(text=ANYTHING | HOSTILE)
def test_readable_text_contains_no_control_characters(text: str) -> None:
    assert does_something(readable(text)) == []
    assert readable(readable(text)) == readable(text)


@given(text=st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" \n\t\u200d")))
def test_printable_text_is_left_alone(text: str) -> None:
    assert readable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mERROR\x1b[0m bad\x1b[K", "ERROR bad"),
        ("\x1b[?25l\x1b[2J\x1b[>4;1mx\x1b[38:2::1:2:3my", "xy"),
        ("\x1b]0;root@host\x07$ \x1b]2;title\x1b\\ok", "$ ok"),
        ("see \x1b]8;;https://evil.example\x1b\\the guide\x1b]8;;\x07", "see the guide"),
        ("\x1bP1$r0m\x1b\\a\x1b_app\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d", "abcd"),
        ("\x1bc\x1b(B\x1b#8\x1b7x\x1b=", "x"),
        ("\x9b31mred\x9b0m \x9d0;title\x9cx \x90data\x07y", "red x y"),
        ("\x1b\x1b[0m[31mred", "[31mred"),
        ("\x1b]0;no end", "0;no end"),
        ("\x1b[31", "31"),
        ("abc\b\b\bxyz\x7f\x07", "abcxyz"),
        ("50 %\r100 %\x0bnext\u2028page", "50 % 100 % next page"),
        ("user\u202egnp.exe\u2066 \u200bok\ufeff\U000e0041", "usergnp.exe ok"),
        ("\N{WOMAN}\u200d\N{PERSONAL COMPUTER} tab\there", None),
    ],
    ids=["colours", "modes", "titles", "link", "strings", "single", "8 bits", "nested", "no end", "half", "backspace",
         "separators", "order", "joined"],
)  # fmt: skip
def test_control_sequences_are_removed(text: str, shown: str | None) -> None:
    assert readable(text) == (text if shown is None else shown)


@given(text=ANYTHING)
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert line == line.strip()
    assert "  " not in line


@given(text=ANYTHING | LONG)
def test_a_description_is_what_github_takes(text: str) -> None:
    fitting = fit_description(text)
    assert len(fitting) <= MAX_DESCRIPTION
    assert all(ord(character) <= 0xFFFF for character in fitting)
    assert fitting.isprintable()
    fitting.encode("utf-8")


@given(text=ANYTHING | LONG)
def test_fitting_twice_is_fitting_once(text: str) -> None:
    assert fit_description(fit_description(text)) == fit_description(text)


@given(text=ORDINARY)
def test_a_description_keeps_as_much_as_fits(text: str) -> None:
    fitting = fit_description(text)
    if len(text) <= MAX_DESCRIPTION:
        assert fitting == text
    else:
        assert fitting == text[: MAX_DESCRIPTION - 1] + ELLIPSIS


@pytest.mark.parametrize("length", [138, 139, 140, 141, 142])
def test_the_cut_is_at_140_characters_not_bytes(length: int) -> None:
    fitting = fit_description("é" * length)
    assert len(fitting) == min(length, MAX_DESCRIPTION)
    assert fitting.endswith(ELLIPSIS) is (length > MAX_DESCRIPTION)


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("", ""),
        ("built 41 pages", "built 41 pages"),
        ("  built\r\n\t41   pages\x1b ", "built 41 pages"),
        ("done \N{PARTY POPPER}", "done ?"),
        ("bad \ud800 byte\0", "bad ? byte"),
        ("x" * 138 + " yz", "x" * 138 + ELLIPSIS),
    ],
    ids=["empty", "plain", "white space", "4-byte", "surrogate and NUL", "no blank before the ellipsis"],
)
def test_descriptions_by_example(text: str, fitting: str) -> None:
    assert fit_description(text) == fitting
