"""Each test that docs/guarantee.md or SECURITY.md names exists; test_docs_name_files looks for files."""

import re
from functools import cache
from pathlib import Path

import pytest
from documents import GUARANTEE, SECURITY, table

TESTS = Path(__file__).parent
NAMED = sorted(
    {name for page in (GUARANTEE, SECURITY) for name in re.findall(r"`(test_\w+)`", page.read_text("utf-8"))}
)


@cache
def _defined() -> frozenset[str]:
    texts = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    return frozenset(name for text in texts for name in re.findall(r"^(?:async )?def (test_\w+)\(", text, re.MULTILINE))


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_a_promise_names_is_there(name: str) -> None:
    assert name in _defined()


@pytest.mark.parametrize(
    ("page", "section"),
    [(SECURITY, "What is defended"), (SECURITY, "What is not defended"), (GUARANTEE, "What rests on what")],
    ids=["defended", "not defended", "assumptions"],
)
def test_every_row_of_a_promise_names_a_test(page: Path, section: str) -> None:
    _, _, *rows = table(page, section)
    assert rows
    assert [row for row in rows if "`test_" not in row.rsplit("|", 2)[1]] == []
