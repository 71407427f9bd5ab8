"""Outside text made fit to store and to show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.text import ELLIPSIS, MAX_DESCRIPTION, clean, fit_description, one_line

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
