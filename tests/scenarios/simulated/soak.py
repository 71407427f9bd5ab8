"""`make soak`: the state machine and whole days with other seeds, on both databases. Collected only by its name.

MINUTES: how long to run (10). SEED, as printed, repeats one round of each.
"""

import os
import random
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from day import Size, simulated_day
from day_checks import drain, impatient, starved
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from machine import machine_on

from domain.delivery.budget import WriteBudget

WHOLE = Size(jobs=1100, in_storm=700, budget=WriteBudget())
ROUND = settings(
    max_examples=100,
    stateful_step_count=40,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


def rounds(share: float, what: str) -> Iterator[int]:
    """The seeds of as many rounds as fit in a *share* of the time: one at the least."""
    until = time.monotonic() + share * 60 * float(os.environ.get("MINUTES") or 10)
    given = os.environ.get("SEED")
    first = int(given) if given else random.SystemRandom().randrange(10**6)
    for number in count(first):
        sys.stderr.write(f"\n{what}: make soak SEED={number}")
        yield number
        if given or time.monotonic() > until:
            return


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_promise_holds_once_all_is_at_rest(ledger_url: str, database: str) -> None:
    with machine_on(ledger_url) as machine:
        for number in rounds(0.35, f"machine on {database}"):
            run_state_machine_as_test(seed(number)(machine), settings=ROUND)


def test_a_whole_day_keeps_every_promise(tmp_path: Path) -> None:
    for number in rounds(0.3, "day on sqlite"):
        day = simulated_day(f"sqlite:///{tmp_path}/{number}.db", WHOLE, number)
        left_over, took, ideal = drain(day)
        sys.stderr.write(f": {len(day.histories)} targets, {left_over} drained in {took}, at best {ideal}")
        assert (day.lost_or_doubled(), impatient(day), starved(day)) == ([], [], [])
        assert left_over > WHOLE.budget.per_hour
        assert took <= 1.25 * ideal  # a pass works for 50 s of every 60, and 60 may leave in a minute
