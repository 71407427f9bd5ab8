"""Each test that docs/guarantee.md or SECURITY.md names exists."""

import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
GUARANTEE = TESTS.parent / "docs" / "guarantee.md"
SECURITY = TESTS.parent / "SECURITY.md"
NAMED = sorted(
    {name for page in (GUARANTEE, SECURITY) for name in re.findall(r"`(test_\w+)`", page.read_text("utf-8"))}
)
FILES = sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", SECURITY.read_text(encoding="utf-8"))))


@cache
def _defined() -> frozenset[str]:
    texts = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    return frozenset(name for text in texts for name in re.findall(r"^(?:async )?def (test_\w+)\(", text, re.MULTILINE))


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_a_promise_names_is_there(name: str) -> None:
    assert name in _defined()


@pytest.mark.parametrize("path", FILES)
def test_a_file_of_tests_that_a_promise_names_is_there(path: str) -> None:
    assert (TESTS.parent / path).is_file()


@pytest.mark.parametrize("section", ["What is defended", "What is not defended"])
def test_every_row_of_the_threat_model_names_a_test(section: str) -> None:
    text = SECURITY.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert rows
    assert [row for row in rows if "`test_" not in row.rsplit("|", 2)[1]] == []


def test_every_assumption_names_a_test() -> None:
    section = GUARANTEE.read_text(encoding="utf-8").partition("\n## What rests on what\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert rows
    assert [row for row in rows if "`test_" not in row.rsplit("|", 2)[1]] == []
