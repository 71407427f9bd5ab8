"""The state machine of tests/support/machine.py, with the same few examples each time.

`make soak` runs other examples each time, for as long as wanted, also on PostgreSQL.
"""

import pytest
from full import FULL
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from machine import machine_on

ENOUGH = settings(
    phases=(Phase.generate,),
    max_examples=20 if FULL else 10, stateful_step_count=16, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck), print_blob=False,
)  # fmt: skip


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_promise_holds_once_all_is_at_rest(ledger_url: str) -> None:
    with machine_on(ledger_url) as machine:
        run_state_machine_as_test(machine, settings=ENOUGH)
