"""A pattern finds what it says, and nothing takes long to be looked at."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.line_pattern import compiled


def numbers(text: str, line: str) -> dict[str, str] | None:
    found = compiled(text).search(" ".join(line.split()))
    return found and found.groupdict()


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
        ("^ERR!", "an ERR!"),
        ("Error", "error"),
        ("a*b", "b a"),
    ],
)
def test_nothing_else_is_found(text: str, line: str) -> None:
    assert numbers(text, line) is None


HOSTILE = [
    ("a*b", "a" * 500),
    ("a*a*a*a*a*a*b", "a" * 500),
    ("*" + " *" * 50 + "b", " a" * 250),
    ("{count}" + "*" * 10 + "b", "1 " * 250),
    ("1*{done}*{total} b", "1 2" * 160),
    ("a" * 100 + "b", "a" * 500),
]


@pytest.mark.parametrize(("text", "line"), HOSTILE)
def test_no_line_takes_long_whatever_is_in_it(text: str, line: str) -> None:
    pattern, began = compiled(text), time.process_time()
    for _ in range(10):
        assert pattern.search(line) is None
    assert time.process_time() - began < 1  # some 30 ms; with backtracking, hours


LETTERS = st.text(alphabet="ab*(", min_size=1, max_size=12)


@given(LETTERS, st.text(alphabet="ab(", max_size=30))
def test_a_star_is_any_text_and_all_else_is_itself(text: str, line: str) -> None:
    there, rest = True, line
    for part in text.split("*"):
        _, found, rest = rest.partition(part) if part else ("", "nothing", rest)
        there = there and bool(found)
    assert (compiled(text).search(line) is not None) is there
