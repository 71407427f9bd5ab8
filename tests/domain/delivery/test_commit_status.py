"""Verdicts on a commit's list of statuses, and joining the pages of a list."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from domain.delivery.commit_status import shown
from domain.delivery.outcome import Posted
from domain.delivery.read_back import MARGIN, Reading, is_beyond, joined
from domain.delivery.surface import Ours
from domain.delivery.target import Target

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CONTEXT = "docs/sphinx"
TARGET = Target("acme/site", "a" * 40, CONTEXT)
OLD, NEW = 1, 2
"""Reports of ours."""
OURS = Ours(
    newest=NEW,
    own=20,
    by_status_id={10: OLD, 20: NEW},
    by_marker={"a" * 24: OLD, "b" * 24: NEW, "c" * 24: NEW},
    stored_as={"a" * 24: 10, "c" * 24: 20},
)
OLDER, NEWEST, EARLIER_EDITION, FOREIGN = "a" * 24, "c" * 24, "b" * 24, None


def status(number: int, mark: str | None, *, age: timedelta = timedelta(0), context: str = CONTEXT) -> Posted:
    url = f"https://x.test/#:~:report={mark}" if mark else "https://x.test/"
    return Posted(number, "success", context, url, NOW - age)


def reading(*newest_first: Posted, is_ordered: bool = True) -> Reading:
    return Reading(newest_first, is_ordered)


OWN = status(20, NEWEST)
CASES: dict[str, tuple[Sequence[Posted], tuple[bool, bool, int | None]]] = {
    "nothing": ([], (False, False, None)),
    "only an older one": ([status(10, OLDER)], (False, False, None)),
    "its marker under another id, its own not listed": ([status(10, OLDER), status(21, NEWEST)], (False, False, None)),
    "on top": ([OWN, status(10, OLDER)], (True, False, None)),
    "an older one on top, with a lower id": ([status(10, OLDER), OWN], (True, True, None)),
    "an older one on top, known by its id alone": ([status(10, FOREIGN), OWN], (True, True, None)),
    "itself again on top": ([status(21, NEWEST), status(10, OLDER), OWN], (True, False, None)),
    "its earlier edition on top": ([status(19, EARLIER_EDITION), OWN], (True, False, None)),
    "another tool's on top": ([status(30, FOREIGN), OWN], (True, False, 30)),
    "another tool's on top of an older one": ([status(30, FOREIGN), status(10, OLDER), OWN], (True, False, 30)),
    "an older one on top of another tool's": ([status(10, OLDER), status(30, FOREIGN), OWN], (True, True, None)),
    "another tool's below": ([OWN, status(30, FOREIGN)], (True, False, None)),
    "another context on top": ([status(30, FOREIGN, context="ci"), OWN], (True, False, None)),
    "its context in other letters on top": ([status(30, FOREIGN, context="DOCS/sphinx"), OWN], (True, False, 30)),
    "an older one on top, a little earlier": ([status(10, OLDER, age=MARGIN), OWN], (True, True, None)),
    "an older one on top, long before": ([status(10, OLDER, age=2 * MARGIN), OWN], (False, False, None)),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_shown(case: str) -> None:
    listed, expected = CASES[case]
    found = shown(reading(*listed), TARGET, OURS)
    assert (found.is_clear, found.is_covered, found.overriding and found.overriding.id) == expected


@pytest.mark.parametrize("case", CASES)
def test_a_list_in_no_order_shows_nothing_clearly(case: str) -> None:
    listed, _ = CASES[case]
    found = shown(reading(*listed, is_ordered=False), TARGET, OURS)
    assert (found.is_clear, found.is_covered, found.overriding) == (False, False, None)


@pytest.mark.parametrize("is_ordered", [True, False])
@pytest.mark.parametrize(
    ("listed", "doubled"),
    [
        ([OWN, status(10, OLDER)], set()),
        ([OWN, OWN], set()),
        ([status(21, NEWEST), OWN], {NEW}),
        ([status(21, NEWEST)], {NEW}),  # its own is not listed, yet GitHub answered that it has it
        ([status(11, OLDER), OWN], {OLD}),
        ([status(18, EARLIER_EDITION), OWN], set()),
        ([status(18, EARLIER_EDITION), status(19, EARLIER_EDITION), OWN], {NEW}),
        ([status(30, FOREIGN), status(31, FOREIGN), OWN], set()),
        ([status(11, OLDER, context="ci"), OWN], set()),
    ],
)
def test_a_duplicate_is_one_marker_under_two_ids(listed: list[Posted], doubled: set[int], *, is_ordered: bool) -> None:
    assert shown(reading(*listed, is_ordered=is_ordered), TARGET, OURS).doubled == doubled


@pytest.mark.parametrize(
    ("pages", "listed", "is_ordered"),
    [
        ([], "", True),
        (["cba"], "cba", True),
        (["fed", "cba"], "fedcba", True),
        (["fed", "dcb", "ba"], "fedcba", True),  # one came between two page reads, twice
        (["fed", "fed", "cba"], "fedcba", True),  # as many as a page has
        (["fed", "hgf", "edc"], "fedhgc", False),  # more than a page has
        (["fed", "ihg", "fed", "cba"], "fedihgcba", False),
        (["fed", "edf"], "fed", False),
        (["fed", "cdb"], "fedcb", False),
    ],
)
def test_pages_make_one_list_with_each_status_once(pages: list[str], listed: str, *, is_ordered: bool) -> None:
    found = joined([[status(ord(letter), FOREIGN) for letter in page] for page in pages])
    assert ("".join(chr(one.id) for one in found.posted), found.is_ordered) == (listed, is_ordered)


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("ages", "not_before", "github_time", "expected"),
    [
        ([2, 3], NOW, NOW, True),
        ([1, 3], NOW, NOW, False),  # the minute is for what GitHub's servers differ by
        ([0.5, 3], NOW, NOW, False),
        ([], NOW, NOW, False),
        ([9999], None, NOW, False),
        ([9999], NOW, None, False),
        ([9999], NOW + MINUTE, NOW, False),
    ],
)
def test_reading_stops_at_a_page_that_is_wholly_older(
    ages: list[float], not_before: datetime | None, github_time: datetime | None, *, expected: bool
) -> None:
    page = [status(number, FOREIGN, age=age * MINUTE) for number, age in enumerate(ages)]
    assert is_beyond(page, not_before, github_time=github_time) is expected
