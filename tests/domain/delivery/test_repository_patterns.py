"""Patterns for repositories: which they match, and when they match all."""

from collections.abc import Collection

import pytest

from domain.delivery.repository_patterns import first_match, is_open


@pytest.mark.parametrize("pattern", ["acme/site", "ACME/*", "*/site", "*", "acme/s?te"])
def test_a_pattern_means_a_repository_in_any_letter_case(pattern: str) -> None:
    assert first_match("Acme/Site", ("other/*", pattern, "*")) == pattern


@pytest.mark.parametrize("pattern", ["acme/sit", "acme/site2", "acm/*", "xacme/*", "acme/*/x"])
def test_a_repository_matched_by_no_pattern_is_none(pattern: str) -> None:
    assert first_match("acme/site", (pattern,)) is None


@pytest.mark.parametrize(
    ("allowed", "credentials", "expected"),
    [
        ((), (), True),
        ((), ("*",), True),
        ((), ("acme/*", "*/*"), True),
        ((), ("acme/*",), False),
        (("acme/*",), (), False),
        (("acme/*",), ("*",), False),
    ],
)
def test_only_a_credential_for_everything_is_open_where_nothing_is_allowed_by_name(
    allowed: Collection[str], credentials: Collection[str], *, expected: bool
) -> None:
    assert is_open(allowed, credentials) is expected
