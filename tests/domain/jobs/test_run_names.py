"""Names of flow runs in Prefect's UI."""

from datetime import UTC, datetime
from uuid import UUID

from domain.delivery.target import Target
from domain.jobs.run_names import name_of, name_of_retry, tags_of

SITE = Target("acme/site", "3f2a91c0" * 5, "docs/sphinx")
JOB = UUID("0192f4c1-7a3e-7b52-8f1d-0a1b2c3d4e5f")


def test_a_flow_run_is_called_by_its_job_type_commit_and_repository() -> None:
    assert name_of("sphinx", SITE) == "sphinx 3f2a91c acme/site"
    assert name_of("linkcheck", None) == "linkcheck"


def test_tags_say_what_they_are() -> None:
    assert tags_of("sphinx", SITE) == ["job:sphinx", "repository:acme/site", "context:docs/sphinx"]
    assert tags_of("sphinx", None) == ["job:sphinx"]


def test_a_retry_of_reports_is_called_by_what_chose_them() -> None:
    since = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert name_of_retry([7, 8], None, None, None, None) == "retry reports 7 8"
    assert name_of_retry(range(1, 9), None, None, None, None) == "retry reports 1 2 3 4 5 …"
    assert name_of_retry([], JOB, None, None, None) == f"retry job {JOB}"
    assert (
        name_of_retry([], None, "acme/site", "archived", since) == "retry archived, acme/site, since 2026-11-23 12:00"
    )
    assert name_of_retry([], None, None, None, None) == "retry nothing"
