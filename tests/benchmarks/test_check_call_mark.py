"""What the other clients' drivers do with a file of what they have reported."""

import sys
from pathlib import Path

import pytest

from benchmarks.peers.check_call_mark import reports


def test_a_driver_goes_on_with_what_it_has_not_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = tmp_path / "marks"
    monkeypatch.setattr(sys, "argv", ["driver", "http://127.0.0.1:1", "3", "8", str(marks), "paced"])
    first = reports()
    with first.marking(next(first.left)):
        pass
    with first.marking(next(first.left)):
        raise ConnectionError
    assert (first.failed, first.is_paced) == (1, True)
    assert list(reports().left) == ["docs/1", "docs/2"]
