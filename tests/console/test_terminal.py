"""Progress on a terminal while a command runs; nothing of it goes to a pipe or a file."""

import io
import json
import sys
from contextlib import redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from console import progress, terminal
from console.ledger import os_user
from console.progress import CommandProgress
from domain.text import UNSEEN


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in place of stderr."""
    made = Terminal()
    monkeypatch.setattr(progress, "stderr_console", lambda: Console(file=made, force_terminal=True, width=80))
    return made


def test_work_shows_its_progress_on_a_terminal(screen: Terminal) -> None:
    with CommandProgress("retrying", total=3) as bar:
        bar.step()
        bar.say("report 7: delivered")
    shown = screen.getvalue()
    assert "retrying" in shown
    assert "1/3" in shown
    assert "report 7: delivered" in shown


def test_without_a_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with CommandProgress("delivering") as bar:
        bar.step()
        bar.say("a line")
    assert capsys.readouterr().err == "a line\n"


@pytest.mark.parametrize(("columns", "width"), [(None, terminal.WIDE), ("80", 80)])
def test_a_pipe_is_wide_unless_columns_is_set(monkeypatch: pytest.MonkeyPatch, columns: str | None, width: int) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert terminal.results().width == width


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert os_user().startswith("uid ")


@given(text=st.text(max_size=30) | st.sampled_from(["\x1b[2J", "\x9b31m", "\x7f", "\u202e", "\u2028", "\U000e0041"]))
def test_json_is_whole_and_nothing_in_it_moves_a_terminal(text: str) -> None:
    with redirect_stdout(io.StringIO()) as written:
        terminal.write_json({"note": text})
    assert json.loads(written.getvalue()) == {"note": text}
    assert UNSEEN.findall(written.getvalue()) == []
