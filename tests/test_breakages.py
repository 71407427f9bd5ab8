from pathlib import Path

import pytest
from breakages import BREAKAGES, Breakage

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda one: one.name)
def test_a_breakage_still_breaks_the_line_that_it_names(breakage: Breakage) -> None:
    assert (ROOT / breakage.path).read_text(encoding="utf-8").count(breakage.old) == 1
