"""Each deliberate breakage changes exactly one line, and the tests it names exist."""

from pathlib import Path

import pytest
from breakages import BREAKAGES, Breakage

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda one: one.name)
def test_a_breakage_still_breaks_the_line_that_it_names(breakage: Breakage) -> None:
    assert (ROOT / breakage.path).read_text(encoding="utf-8").count(breakage.old) == 1


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda one: one.name)
def test_the_tests_that_notice_a_breakage_are_there(breakage: Breakage) -> None:
    for named in breakage.tests:
        path, _, name = named.partition("::")
        assert (ROOT / path).exists()
        assert not name or f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(encoding="utf-8")
