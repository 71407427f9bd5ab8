"""Check runs as readings show them: whose they are, and what their `external_id` says."""

import pytest

from domain.delivery.check_run import Saying
from domain.delivery.outcome import ShownRun
from domain.delivery.run_facts import is_ours, saying_of, seen

MARK = "0123456789abcdef01234567"


def run(number: int = 1, external_id: str = f"{MARK}/2", *, annotations: int = 0, app: str | None = None) -> ShownRun:
    return ShownRun(number, "docs/build", external_id, annotations, app)


@pytest.mark.parametrize(
    ("made_by", "asked_by", "ours"),
    [("Iv1.a", "Iv1.a", True), ("Iv1.b", "Iv1.a", False), (None, "Iv1.a", True), ("Iv1.b", None, True)],
)
def test_another_apps_run_with_our_marker_is_not_ours(made_by: str | None, asked_by: str | None, ours: bool) -> None:  # noqa: FBT001  # a row of the table
    assert is_ours(run(app=made_by), MARK, app=asked_by) is ours


def test_a_run_with_another_marker_is_not_ours() -> None:
    assert not is_ours(run(external_id="42"), MARK, app=None)
    assert not is_ours(run(external_id=f"{MARK}0/2"), MARK, app=None)


@pytest.mark.parametrize(("number", "saying"), [("0", 0), ("1", 1), ("2", 2), ("3", 3), ("4", 0), ("", 0), ("²", 0)])
def test_an_unknown_number_says_nothing(number: str, saying: int) -> None:
    assert saying_of(run(external_id=f"{MARK}/{number}")) == Saying(saying)


def test_of_several_the_first_made_counts() -> None:
    shows = seen([run(8, f"{MARK}/0"), run(7, f"{MARK}/1", annotations=3)])
    assert (shows.github_id, shows.said, shows.closed, shows.annotated) == (7, 1, False, True)
    assert seen([run(9, f"{MARK}/3")]).closed
    assert seen([]).github_id is None
