"""Output patterns: what they match, and that matching is fast on every text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.output.patterns import finder


def numbers(text: str, line: str) -> dict[str, str] | None:
    return finder(text)(" ".join(line.split()))


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("{done} of {total} pages", "Translated 12 of 40 pages.", {"done": "12", "total": "40"}),
        ("{done}/{total} pages", "  5 / 10   pages", {"done": "5", "total": "10"}),
        ("... [{percent}%]", "reading sources... [  5%] intro", {"percent": "5"}),
        ("[{done}] * (of {total})", "[3] docs/a (b).md (of 12)", {"done": "3", "total": "12"}),
        ("copied ", "it copied a file", {}),
        ("^ERR! *.md", "ERR!  no such page: a.md", {}),
        ("(a+)+$", "costs (a+)+$ 5", {}),
        ("{count} pages", "✅ 7 pages", {"count": "7"}),
        ("*{count} pages", "1.5 MB in 12 pages", {"count": "12"}),
        ("wrote*{count}* pages", "wrote 5 pages", {"count": "5"}),
        ("{done}*{total}", "5/9 of 12", {"done": "5", "total": "9"}),
        ("a*", "a", {}),
    ],
)
def test_a_pattern_is_looked_for_as_it_stands(text: str, line: str, told: dict[str, str]) -> None:
    assert numbers(text, line) == told


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{count} pages", "v1.5 pages"),
        ("{count} pages", "docs/5 pages"),
        ("{count} pages", "1,000 pages"),
        ("took {count}", "took 1.5 s"),
        ("{count} pages", "1234567890 pages"),
        ("*{count} pages", "1234567890 pages"),
        ("*{count} pages", "1.5 pages"),
        ("1*{count} pages", "15 pages"),
        ("^ERR!", "an ERR!"),
        ("Error", "error"),
        ("a*b", "b a"),
    ],
)
def test_nothing_else_is_found(text: str, line: str) -> None:
    assert numbers(text, line) is None


HOSTILE = [
    ("a*b", "a"),
    ("a*a*a*a*a*a*b", "a"),
    ("*" + " *" * 50 + "b", " a"),
    ("{count}" + "*" * 10 + "b", "1 "),
    ("1*{done}*{total} b", "1 2"),
    ("a" * 100 + "b", "a"),
    ("*" + "a" * 100 + "b", "a"),
    ("a*" + "a" * 100 + "b", "a"),
    ("*{count} warnings", "1"),
    ("*{done}/{total} pages", "1"),
    ("*{done}/{total} pages", "1/"),
    ("*{done} {total} 1 1 1 1b", "1 "),
    ("{percent}*%b", "1 %"),
]


def seconds(text: str, line: str) -> float:
    """CPU time of the quickest of five."""
    find, took = finder(text), []
    for _ in range(5):
        began = time.process_time()
        assert find(line) is None
        took.append(time.process_time() - began)
    return min(took)


@pytest.mark.parametrize(("text", "unit"), HOSTILE)
def test_what_a_line_takes_grows_as_its_length_does(text: str, unit: str) -> None:
    line = unit * (500 // len(unit))
    assert seconds(text, line * 8) < 24 * seconds(text, line)  # with the square of the length, 64 times


LETTERS = st.text(alphabet="ab*(", min_size=1, max_size=12)


@given(LETTERS, st.text(alphabet="ab(", max_size=30))
def test_a_star_is_any_text_and_all_else_is_itself(text: str, line: str) -> None:
    there, rest = True, line
    for part in text.split("*"):
        _, found, rest = rest.partition(part) if part else ("", "nothing", rest)
        there = there and bool(found)
    assert (finder(text)(line) is not None) is there
