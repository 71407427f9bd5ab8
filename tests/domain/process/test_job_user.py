"""Parses REPORTBACK_JOB_USER."""

import pytest

from domain.process.job_user import Ids, parse_job_user


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("reportback-job", "reportback-job"),
        ("_docs", "_docs"),
        ("70000", Ids(70000, 70000)),
        ("70000-70063", Ids(70000, 70063)),
        ("1-1024", Ids(1, 1024)),
    ],
)
def test_a_name_or_ids(text: str, named: str | Ids) -> None:
    assert parse_job_user(text) == named


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0", "root's being 0"),
        ("0-5", "root's being 0"),
        ("70063-70000", "the lower one first"),
        ("4294967295", "to 4294967294"),
        ("1-1025", "at most 1,024 ids"),
        ("-5", "neither a user's name nor ids"),
        ("two words", "neither a user's name nor ids"),
        ("a:b", "neither a user's name nor ids"),
        ("", "neither a user's name nor ids"),
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"REPORTBACK_JOB_USER .*{why}"):
        parse_job_user(text)
