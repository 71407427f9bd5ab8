"""Each test that docs/guarantee.md names is there."""

import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
GUARANTEE = TESTS.parent / "docs" / "guarantee.md"
NAMED = sorted(set(re.findall(r"`(test_\w+)`", GUARANTEE.read_text(encoding="utf-8"))))


@cache
def _defined() -> frozenset[str]:
    texts = (path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    return frozenset(name for text in texts for name in re.findall(r"^(?:async )?def (test_\w+)\(", text, re.MULTILINE))


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_the_guarantee_names_is_there(name: str) -> None:
    assert name in _defined()


def test_every_assumption_names_a_test() -> None:
    section = GUARANTEE.read_text(encoding="utf-8").partition("\n## What rests on what\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert rows
    assert [row for row in rows if "`test_" not in row.rsplit("|", 2)[1]] == []
