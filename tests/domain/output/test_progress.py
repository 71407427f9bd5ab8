"""Progress is read from lines that state it, and from no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.output.parser import OutputParser
from domain.output.progress import Progress


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        ("Progress: 5/10", Progress(5, 10)),
        ("[info] progress:  5 / 10 done", Progress(5, 10)),
        ("Processing 5 of 10", Progress(5, 10)),
        ("5/10 pages", Progress(5, 10)),
        ("wrote 1/1 page", Progress(1, 1)),
        ("reading sources... [ 50%] intro", Progress(50, 100)),
        ("writing output... [100%] usage", Progress(100, 100)),
        ("Progress: 0/3", Progress(0, 3)),
    ],
)
def test_progress_is_recognised(line: str, progress: Progress) -> None:
    assert OutputParser().take(line) == progress


@pytest.mark.parametrize(
    "line",
    [
        "", "Progress: 11/10", "Progress: 0/0", "Processing 5 files", "on 5/10 we met", "docs/5/10 pages",
        "v1.5/10 pages", "reading sources... [101%] x", "[ 50%] x", "Progress: -1/10",
        "Progress: 1/99999999999", "5/10pagesque",
    ],
)  # fmt: skip
def test_no_progress_is_made_up(line: str) -> None:
    assert OutputParser().take(line) is None


def test_percent_is_for_the_bar() -> None:
    assert Progress(1, 4).percent == 25.0


NUMBERS = st.integers(min_value=0, max_value=10**12).map(str)
LINES = st.lists(
    st.one_of(
        NUMBERS, st.sampled_from(["Progress:", "Processing", "of", "/", " ", "pages", "... [", "%]", "٣"]), st.text()
    )
).map("".join)


@given(LINES)
def test_any_line_is_either_progress_within_bounds_or_none(line: str) -> None:
    progress = OutputParser().take(line)
    assert progress is None or (progress.total > 0 and 0 <= progress.done <= progress.total)
