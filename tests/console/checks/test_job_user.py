"""`reportback doctor` checks the job user without switching to it."""

import pytest

from console.checks.job_user import check
from settings import Settings


async def test_without_one_it_says_that_jobs_are_trusted() -> None:
    (finding,) = await check(Settings(), [])
    assert (finding.ok, finding.words.partition(";")[0]) == (
        True,
        "none: every job is trusted with all that the worker's user can reach",
    )


async def test_one_that_cannot_be_is_wrong_and_nothing_else_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_JOB_USER", "no-such-user")
    (finding,) = await check(Settings(), [])
    assert not finding.ok
    assert "there is no user 'no-such-user' here: make it" in finding.words
