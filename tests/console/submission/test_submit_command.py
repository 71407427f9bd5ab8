"""`reportback submit` as a shell command, and the progress it draws on a terminal."""

import io
import sys

import pytest
from rich.console import Console

import cli
from console.submission import follow
from console.submission.requested_job import Words
from console.submission.submit import Exit

given: list[tuple[Words, bool]] = []


@pytest.fixture(autouse=True)
def submitted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def submit(words: Words, *, waits: bool) -> Exit:
        given.append((words, waits))
        return Exit.UNREACHABLE

    given.clear()
    monkeypatch.setattr("console.submission.submit._submit", submit)


def exit_code(*words: str) -> object:
    with pytest.raises(SystemExit) as ended:
        cli.app(list(words))
    return ended.value.code


def test_the_given_arguments_are_submitted() -> None:
    line = "submit sphinx --repo acme/site --sha none --context docs/de --url https://a.test -o a=1 --option b=- --wait"
    assert exit_code(*line.split(), "--key", "nightly") == 3
    asked = Words("sphinx", "acme/site", "none", "docs/de", "https://a.test", ("a=1", "b=-"), "nightly")
    assert given == [(asked, True)]


def test_missing_arguments_are_found_out() -> None:
    assert exit_code("submit", "sphinx") == 3
    assert given == [(Words("sphinx", None, None, "", "", (), None), False)]


@pytest.mark.parametrize("line", ["submit", "submit sphinx mkdocs", "submit sphinx --no-wait"])
def test_words_that_mean_nothing_are_refused(line: str) -> None:
    assert exit_code(*line.split()) == 2
    assert given == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_one_line_that_changes_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(follow, "stderr_console", lambda: Console(file=screen, force_terminal=True, width=80))
    with follow.status_line() as show:
        show("Running: 50 % [red]")
    drawn = screen.getvalue()
    assert "Running: 50 % [red]" in drawn
    assert drawn.endswith("\x1b[2K")
