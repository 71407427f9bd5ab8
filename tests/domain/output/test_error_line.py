"""Picks the line of an output that best says why its command failed."""

import pytest

from domain.output.error_line import error_line


@pytest.mark.parametrize(
    ("tail", "told"),
    [
        ([], ""),
        (["", " "], ""),
        (["a", "b", ""], "b"),
        (["0 errors so far", "ValueError: bad", "bye"], "ValueError: bad"),
        (["Sphinx error:", "Builder name x not registered", "bye"], "Sphinx error: Builder name x not registered"),
        (["Error:"], "Error:"),
        (["make", "the build failed", "bye"], "the build failed"),
    ],
)
def test_the_telling_line_is_the_first_that_names_an_error(tail: list[str], told: str) -> None:
    assert error_line(tail) == told
