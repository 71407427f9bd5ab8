"""Whether a user has processes left; tests/job_users has what needs the right to switch users."""

import os
from pathlib import Path

import pytest

from tasks.process.user_lock import _runs


@pytest.fixture
def all_end_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux answers ESRCH, not ENOENT, about a file in /proc whose process ends just now."""
    real = os.stat

    def stat(path: str | Path, **how: bool) -> os.stat_result:
        if str(path).startswith("/proc/") and str(path).endswith(("/stat", "/status")):
            raise ProcessLookupError
        return real(path, **how)

    monkeypatch.setattr(os, "stat", stat)


@pytest.mark.usefixtures("all_end_meanwhile")
def test_a_process_that_ends_while_all_are_listed_is_passed_over() -> None:
    assert _runs(os.getuid())
