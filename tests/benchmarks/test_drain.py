"""A drain is compared with the spacing of the write budget."""

from datetime import UTC, datetime, timedelta

from benchmarks.drain import _vs_optimum

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_request_a_second_is_the_optimum() -> None:
    assert _vs_optimum([AT + timedelta(seconds=number) for number in range(120)]) == 1
    assert _vs_optimum([AT, AT + timedelta(seconds=3), AT + timedelta(seconds=3)]) == 1.5
