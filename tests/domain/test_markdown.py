"""Outside text is escaped on Markdown pages, whatever it contains: proved by rendering it."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from domain.markdown import code, fenced, link, literal, narrow, table
from domain.text import UNSEEN, one_line

NASTY = [
    "`", "``", "a ``` b", "a|b", "\\", "\\|", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;b&gt;",
    "[a](http://x)", "![a](http://x)", "http://evil.example", "www.evil.example", "a@b.example", "**a** _b_ ~~c~~",
    "# a", "<http://evil.example>", "[^1]", "a\n\n# b", "| a |\n| --- |", "$x$", ":smile:", "- [ ] a", "WWW.x.example",
]  # fmt: skip
RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
outside = st.one_of(st.text(max_size=60), st.text("`|\\<>&[]()!*_#:/.@w \n~", max_size=30), st.sampled_from(NASTY))


def inline(markdown: str) -> list[Token]:
    """The tokens of the only cell of a table's body."""
    tokens = RENDERER.parse(table(("head",), [(markdown,)]))
    cells = [tokens[at + 1] for at, token in enumerate(tokens) if token.type == "td_open"]
    assert len(cells) == 1
    return cells[0].children or []


@given(outside)
@example("a\\")
def test_literal_text_is_shown_as_it_is_and_is_nothing_else(text: str) -> None:
    shown = inline(literal(text))
    assert {token.type for token in shown} <= {"text", "text_special"}
    assert "".join(token.content for token in shown) == one_line(text)


@pytest.mark.parametrize(
    "text", ["http://x.example", "https://x.example/a", "www.x.example", "WWW.x.example", "a@b.example"]
)
def test_literal_text_becomes_no_link_by_itself(text: str) -> None:
    assert not re.search(r"https?:|www\.|(?<!\\)@", literal(text), re.IGNORECASE)


@given(outside.filter(lambda text: bool(one_line(text))))
@example("`")
@example("|")
@example("`a|b`")
def test_code_is_shown_as_it_is_also_in_a_table(text: str) -> None:
    (shown,) = inline(code(text))
    assert shown.type == "code_inline"
    assert shown.content == one_line(text)


def test_no_code_is_nothing() -> None:
    assert code(" \n") == ""


@given(st.lists(outside, max_size=6))
@example(["```", "````", "~~~", "<b>", "    ```` x", "`````"])
def test_no_line_ends_its_fence(lines: list[str]) -> None:
    (block,) = RENDERER.parse(fenced(lines, width=50))
    assert block.type == "fence"
    assert len(block.content.splitlines()) == len(lines)


def test_a_fenced_line_keeps_its_indentation_and_is_cut() -> None:
    assert fenced(["\ta", "b" * 9, "c\rd\x1b[0m"], width=8).splitlines()[1:-1] == ["    a", "bbbbbbb…", "c d"]


def test_a_link_leads_where_it_says() -> None:
    opened, words, _ = inline(link("3f2a*", "https://github.com/acme/site/commit/(1)"))
    assert (opened.attrs["href"], words.content) == ("https://github.com/acme/site/commit/(1)", "3f2a*")


@given(
    st.text(max_size=60) | st.lists(st.sampled_from(["\x1b[2J", "\x9b", "\x1b]0;", "\a", "\u202e", "a`"])).map("".join)
)
def test_no_control_character_reaches_a_page(text: str) -> None:
    for shown in (literal(text), narrow(text), code(text), link(text, "https://x.example"), fenced([text], width=40)):
        assert UNSEEN.findall(shown) == []
