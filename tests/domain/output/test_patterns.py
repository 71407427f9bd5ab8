"""Output patterns: what they match."""

import pytest

from domain.output.patterns import LinePattern, finder


def numbers(text: str, line: str) -> dict[str, str] | None:
    return finder(text)(" ".join(line.split()))


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("{done} of {total} pages", "Translated 12 of 40 pages.", {"done": "12", "total": "40"}),
        ("{done}/{total} pages", "  5 / 10   pages", {"done": "5", "total": "10"}),
        (r"\[{percent}%\]", "reading sources... [  5%] intro", {"percent": "5"}),
        (r"\[{done}\] .* \(of {total}\)", "[3] docs/a (b).md (of 12)", {"done": "3", "total": "12"}),
        ("copied ", "it copied a file", {}),
        (r"^ERR!  .*\.md", "ERR!  no such page: a.md", {}),
        ("(a+)+b", "costs aaab 5", {}),
        ("{count} pages", "✅ 7 pages", {"count": "7"}),
        (".*?{count} pages", "1.5 MB in 12 pages", {"count": "12"}),
        ("wrote.*?{count}.*? pages", "wrote 5 pages", {"count": "5"}),
        ("{done}.*?{total}", "5/9 of 12", {"done": "5", "total": "9"}),
        ("a|b", "b", {}),
        (r"(?i)page (?P<done>\d+)/(?P<total>\d+)", "PAGE 5/9", {"done": "5", "total": "9"}),
        ("{count} pages", "docs/5 pages, 12 pages", {"count": "12"}),
    ],
)
def test_a_pattern_is_found_anywhere_in_a_line(text: str, line: str, told: dict[str, str]) -> None:
    assert numbers(text, line) == told


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{count} pages", "v1.5 pages"),
        ("{count} pages", "docs/5 pages"),
        ("{count} pages", "1,000 pages"),
        ("took {count}", "took 1.5 s"),
        ("{count} pages", "1234567890 pages"),
        (".*{count} pages", "1234567890 pages"),
        (".*{count} pages", "1.5 pages"),
        ("1.*?{count} pages", "15 pages"),
        ("^ERR!", "an ERR!"),
        ("Error", "error"),
        ("a.*b", "b a"),
        ("found (?P<count>.*) pages", "found no pages"),
        ("(?P<count>[0-9]+)? pages", "no pages"),
    ],
)
def test_nothing_else_is_found(text: str, line: str) -> None:
    assert numbers(text, line) is None


@pytest.mark.parametrize("text", [r"a \*b", "a[ *]", "[]a *]", r"[^] *\] *]", r"\\ ?"])
def test_a_blank_before_a_star_is_accepted_where_it_is_not_repeated(text: str) -> None:
    assert LinePattern(error=text).error == text
