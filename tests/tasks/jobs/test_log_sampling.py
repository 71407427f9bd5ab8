"""At most 1,000 lines of a job are logged, always the first and the last; omissions are announced once."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.output.signs import Sign
from tasks.jobs.log_sampling import LIVE, LineBudget

TWO_HOURS = timedelta(hours=2)
MOST = 1000


@dataclass
class Rig:
    now: float = 0.0
    sent: list[str] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.budget = LineBudget(lambda: self.now)

    def write(self, lines: int, *, every: float = 0.0, sign: Sign = Sign.WORDS) -> None:
        for _ in range(lines):
            line = f"line {self.count}"
            if self.budget.take(line, sign):
                self.sent.append(line)
            self.count += 1
            self.now += every

    def end(self) -> list[str]:
        ended = self.budget.end()
        self.sent += ended
        return ended


def numbered(start: int, stop: int) -> list[str]:
    return [f"line {number}" for number in range(start, stop)]


def test_an_output_of_ordinary_length_is_sent_whole_and_at_once() -> None:
    rig = Rig()
    rig.budget.begin(timedelta(minutes=5))
    rig.write(540)
    assert rig.sent == numbered(0, 540)
    assert rig.end() == []


def test_of_too_much_at_once_the_first_and_the_last_lines_are_sent_and_it_is_said_how_many_are_missing() -> None:
    rig = Rig()
    rig.budget.begin(timedelta(minutes=5))
    rig.write(100_000)
    assert rig.end() == ["… 99,410 lines left out", *numbered(99_950, 100_000)]
    assert rig.sent[:540] == numbered(0, 540)
    assert len(rig.sent) == 540 + 1 + 50


def test_errors_and_warnings_between_them_are_sent_errors_first() -> None:
    rig = Rig()
    rig.write(5000)
    rig.sent.clear()
    rig.write(300, sign=Sign.WARNING)
    rig.write(1000)
    rig.write(200, sign=Sign.ERROR)
    rig.write(1000)
    assert rig.sent == [*numbered(5000, 5080), *numbered(6300, 6380)]


def test_errors_may_use_what_is_kept_for_warnings() -> None:
    rig = Rig()
    rig.write(5000)
    rig.sent.clear()
    rig.write(500, sign=Sign.ERROR)
    rig.write(100, sign=Sign.WARNING)
    assert rig.sent == numbered(5000, 5160)


def test_a_long_job_that_writes_a_lot_is_seen_until_its_end() -> None:
    rig = Rig()
    rig.budget.begin(TWO_HOURS)
    rig.write(72_000, every=0.1)
    live = [int(line.split()[1]) for line in rig.sent]
    assert len(live) == LIVE
    gaps = [after - before for before, after in pairwise(live)]
    assert max(gaps) <= 10 * 41  # a line every 41 seconds, or sooner
    rig.end()
    assert rig.sent[-1] == "line 71999"


def test_a_long_job_that_writes_slowly_is_sent_whole() -> None:
    rig = Rig()
    rig.budget.begin(TWO_HOURS)
    rig.write(700, every=10)
    assert rig.sent == numbered(0, 700)
    assert rig.end() == []


def test_omitted_lines_are_announced_at_the_end_after_which_no_old_line_comes() -> None:
    rig = Rig()
    rig.budget.begin(TWO_HOURS)
    rig.write(1000)
    rig.now = 7000
    rig.write(100)
    assert rig.end() == ["… 460 lines left out"]


def test_a_preparation_leaves_most_for_the_command() -> None:
    rig = Rig()
    rig.budget.begin(timedelta(minutes=5), 0.5)
    rig.write(5000)
    assert len(rig.sent) == 270
    rig.budget.begin(timedelta(minutes=5))
    rig.write(5000)
    assert rig.end()[0] == f"… {10_000 - 270 - 338 - 50:,} lines left out"


def test_nothing_is_said_twice() -> None:
    rig = Rig()
    rig.write(2000)
    assert rig.end()
    assert rig.end() == []


COMMANDS = st.lists(
    st.tuples(
        st.integers(0, 3000),
        st.sampled_from([0.0, 0.01, 1.0, 60.0]),
        st.sampled_from([0.5, 1.0]),
        st.sampled_from(Sign),
    ),
    max_size=20,
)


@pytest.mark.parametrize("limit", [timedelta(seconds=0.1), TWO_HOURS], ids=str)
@given(COMMANDS)
def test_never_more_than_a_thousand_with_one_notice_and_all_are_accounted_for(
    limit: timedelta, commands: list[tuple[int, float, float, Sign]]
) -> None:
    rig = Rig()
    for lines, every, share, sign in commands:
        rig.budget.begin(limit, share)
        rig.write(lines, every=every, sign=sign)
    rig.end()
    notices = [line for line in rig.sent if line.startswith("…")]
    missing = int(notices[0].split()[1].replace(",", "")) if notices else 0
    assert len(notices) <= 1
    assert len(rig.sent) <= MOST - 60  # of our own there are some, too
    assert len(rig.sent) - len(notices) + missing == rig.count
    assert set(numbered(max(0, rig.count - 50), rig.count)) <= set(rig.sent)
