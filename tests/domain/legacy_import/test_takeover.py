"""Which jobs of the old system still owe their commit a report."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest

from domain.delivery.target import Target
from domain.jobs.job_states import JobState
from domain.legacy_import.old_jobs import OldJob
from domain.legacy_import.takeover import Disposition, chosen

SHA = "3f2a91c0" * 5
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def old(name: str, minute: int = 0, **fields: Any) -> OldJob:  # noqa: ANN401  # whatever the job has
    """A finished job that was not reported."""
    values: dict[str, Any] = {
        "file": f"{name}.json", "id": name, "job_id": uuid5(NAMESPACE_OID, name), "type": "fetch-all",
        "target": Target("acme/site", SHA, "docs/fetch"), "url": None, "state": JobState.SUCCEEDED,
        "created_at": NOON + timedelta(minutes=minute), "ended_at": None, "is_reported": False, "summary": "succeeded",
        "problem": None,
    }  # fmt: skip
    return OldJob(**(values | fields))


def verdicts(*jobs: OldJob) -> dict[str, Disposition]:
    return {one.job.file: one.what for one in chosen(jobs)}


def test_the_newest_of_a_target_is_chosen_and_the_older_ones_say_which_that_is() -> None:
    found = chosen([old("b", 2), old("a", 1), old("c", 3)])
    assert {one.job.id: one.what for one in found} == {
        "a": Disposition.NEWER,
        "b": Disposition.NEWER,
        "c": Disposition.QUEUED,
    }
    assert {one.why for one in found if one.what is Disposition.NEWER} == {"c in c.json is newer"}


def test_letter_case_makes_no_target_of_its_own() -> None:
    other = old("b", 2, target=Target("ACME/Site", SHA, "Docs/Fetch"))
    assert verdicts(old("a", 1), other) == {"a.json": Disposition.NEWER, "b.json": Disposition.QUEUED}


def test_targets_are_judged_each_by_itself() -> None:
    other = old("b", 2, target=Target("acme/site", SHA, "docs/other"))
    assert set(verdicts(old("a", 1), other).values()) == {Disposition.QUEUED}


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"state": None}, Disposition.UNFINISHED),
        ({"is_reported": True}, Disposition.REPORTED),
        ({"problem": "status: …"}, Disposition.BAD),
    ],
)
def test_a_newest_that_owes_nothing_still_stands_before_the_older(fields: dict[str, Any], what: Disposition) -> None:
    assert verdicts(old("a", 1), old("b", 2, **fields)) == {"a.json": Disposition.NEWER, "b.json": what}


def test_a_job_without_a_target_owes_nothing() -> None:
    assert verdicts(old("a", target=None)) == {"a.json": Disposition.NO_TARGET}
    assert verdicts(old("a", target=None, problem="github.sha: …")) == {"a.json": Disposition.BAD}


def test_of_two_copies_of_a_job_the_one_that_knows_more_counts() -> None:
    running, ended = old("a", state=None), old("a", file="backup.json")
    assert verdicts(running, ended) == {"a.json": Disposition.NEWER, "backup.json": Disposition.QUEUED}
    reported = old("a", file="later.json", is_reported=True)
    assert verdicts(ended, reported) == {"backup.json": Disposition.NEWER, "later.json": Disposition.REPORTED}
    [said] = [one.why for one in chosen([ended, reported]) if one.what is Disposition.NEWER]
    assert said == "the same job is in later.json"


def test_the_order_of_the_files_decides_nothing() -> None:
    jobs = [old("a", 1), old("b", 1), old("c", 1)]
    assert verdicts(*jobs) == verdicts(*reversed(jobs))
    assert list(verdicts(*jobs).values()).count(Disposition.QUEUED) == 1
