"""Fixtures: a SQLite ledger on a host whose clocks a test sets."""

import pytest
from in_place import Installation
from timed_host import TimedHost
from world import Clock


@pytest.fixture
def installation(fresh_url: str, clock: Clock) -> Installation:
    return Installation(fresh_url, TimedHost(clock))


@pytest.fixture
def host(installation: Installation) -> TimedHost:
    return installation.host
