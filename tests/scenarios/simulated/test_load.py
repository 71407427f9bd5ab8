"""Many outcomes with one credential, at a tenth of the rate and for nine minutes. The whole: `make load`."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from day import HOUR, MINUTE
from load import Load, Run, latencies, made_while_limited, pendings, refused, run

from domain.delivery.budget import WriteBudget

BUDGET = WriteBudget(per_minute=8, per_hour=25)
LIMITS = {"80 a minute": None, "80 a minute and 500 an hour": 25}
"""What GitHub enforces: a tenth of the one, a twentieth of the other, so that the hour binds."""


@pytest.fixture(scope="module", params=LIMITS)
def load(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("load") / "ledger.db"
    shutil.copy(sqlite_template, path)
    enforced = LIMITS[request.param]
    return run(f"sqlite:///{path}", Load(200, timedelta(minutes=9), BUDGET, enforced))


def test_every_outcome_is_delivered_once(load: Run) -> None:
    assert load.lost_or_doubled() == []
    assert len(latencies(load)) == 30


def test_nothing_is_asked_for_while_github_wants_to_be_left_alone(load: Run) -> None:
    assert made_while_limited(load) == 0


def test_no_outcome_waits_longer_than_for_the_next_run_except_for_github(load: Run) -> None:
    """In doubt it also waits for its lease, the doubt and the time between two reads."""
    if load.load.enforced_per_hour is None:
        assert refused(load) == 0
        assert latencies(load, untroubled=True)[-1] <= MINUTE
        assert latencies(load)[-1] <= 3 * MINUTE
    else:
        sent = len(load.histories) + pendings(load)[0]
        assert refused(load) > 0
        assert latencies(load)[-1] <= (sent // load.load.enforced_per_hour + 1) * HOUR  # a pause of ours is as long


def test_pending_gives_way(load: Run) -> None:
    shown, jobs = pendings(load)
    assert 0 < shown < jobs
