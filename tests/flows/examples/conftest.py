"""Runs the examples on the flows' Prefect server, and prints a table of what was shown."""

from collections.abc import Callable
from pathlib import Path

import pytest
from example_rig import HEAD, TABLE, Example, example_in


@pytest.fixture
def example(
    prefect: None,  # noqa: ARG001  # it has to be there
    ledger_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Example]:
    """An example by its name."""
    return lambda name: example_in(tmp_path, name, ledger_url, capsys, monkeypatch)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TABLE:  # under -n they are in another process
        terminalreporter.write_line("\n".join(("", *HEAD, *TABLE)))
