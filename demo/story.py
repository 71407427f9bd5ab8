"""Prints what the demo does as it happens: what is shown first, a line for each event, and what was seen."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from demo.cases import CASES, Case, problem
from domain.delivery.report import EventKind
from storage.ledger import Ledger
from storage.operations.job_history import TargetEvent, events_after

POLL_SECONDS = 0.3
INDENT = 7
"""Columns before the text of a line."""
INTRODUCTION = """\
A docs job builds the documentation for a commit. Its outcome has to show on that commit as a GitHub commit status: \
once, whatever happens on the way. This demo builds the documentation of this checkout four times, and GitHub fails \
meanwhile. GitHub is a stand-in on this machine; all else is real. Nothing leaves this machine or stays on it."""


class Story:
    """The text of the demo on *console*: wrapped at words, with colour and symbols on a terminal only."""

    def __init__(self, console: Console) -> None:
        self._console, self._began = console, time.monotonic()
        self._settled: set[str] = set()
        self._has_symbols = console.is_terminal and console.encoding.lower().startswith("utf")

    def introduce(self) -> None:
        """Say what will be shown, and in which order."""
        self._print_wrapped(f"{INTRODUCTION}\n")
        for case in CASES:
            self._row(f"({case.letter})", f"{case.title}: [bold]{case.outcome}[/]")
        self._console.print()

    def say(self, text: str, *, symbol: str = "") -> None:
        """Print *text*, in Rich's markup, with the seconds since the start; *symbol* only on a terminal."""
        passed = f"{time.monotonic() - self._began:3.0f} s"
        self._row(f"[dim]{passed}[/]", f"{symbol} {text}" if symbol and self._has_symbols else text)

    def address(self, name: str, url: str) -> None:
        """Print an address on a line of its own, which is not wrapped: it can be copied."""
        self._console.print(Text.assemble((f"{name:<8}", "bold"), url), soft_wrap=True)

    def heading(self, text: str) -> None:
        """Print the heading of a part."""
        self._console.print(f"\n[bold]{text}[/]")

    def paragraph(self, text: str) -> None:
        """Print a paragraph of plain text."""
        self._print_wrapped(f"\n{escape(text)}")

    def has_told(self, case: Case) -> bool:
        """Whether it has told that the outcome of *case* is on GitHub."""
        return case.context in self._settled

    def results(self, held: Mapping[Case, list[str]], posts: Mapping[Case, int]) -> bool:
        """Print a line for each case: what GitHub holds. Whether each has its outcome, once."""
        arrow = " → " if self._has_symbols else ", "
        for case in CASES:
            wrong = problem(case, held[case])
            verdict = f"[red]{wrong}[/]" if wrong else f"[green]once[/] (POSTs: {posts[case]})"
            shown = arrow.join(held[case]) or "nothing"
            self._row(f"({case.letter})", f"{self._sign(is_right=not wrong)}[bold]{shown}[/]: {verdict}")
        return not any(problem(case, held[case]) for case in CASES)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show on a terminal that something takes its time, and for how long by now; elsewhere a line says so."""
        if not self._console.is_terminal:
            self.say(f"{what} ...")
            yield
            return
        columns = (SpinnerColumn(), TextColumn("[dim]{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            progress.add_task(what, total=None)
            yield

    @asynccontextmanager
    async def telling(self, ledger: Ledger) -> AsyncIterator[None]:
        """Tell in the block what the ledger records of the reports, as it happens."""
        telling = asyncio.create_task(self._tell(ledger))
        try:
            yield
        finally:
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling

    async def _tell(self, ledger: Ledger) -> None:
        last = 0
        while True:
            for event in await ledger.read(events_after, last):
                last = event.number
                if event.kind in (EventKind.DELIVERED, EventKind.FOUND) and event.state != "pending":
                    self._settled.add(event.context)
                if told := words(event):
                    self.say(told[1], symbol=told[0])
            await asyncio.sleep(POLL_SECONDS)

    def _sign(self, *, is_right: bool) -> str:
        return ("[green]✓[/] " if is_right else "[red]✗[/] ") if self._has_symbols else ""

    def _print_wrapped(self, text: str) -> None:
        for line in Text.from_markup(text).wrap(self._console, self._console.width):
            line.rstrip()
            self._console.print(line, soft_wrap=True)

    def _row(self, first: str, text: str) -> None:
        """*text* beside *first*, its further lines below its first."""
        lines = Text.from_markup(text).wrap(self._console, max(self._console.width - INDENT, 20))
        for number, line in enumerate(lines):
            line.rstrip()
            margin = Text.from_markup(first if number == 0 else "")
            margin.pad_left(INDENT - 2 - len(margin))
            self._console.print(Text.assemble(margin, "  ", line), soft_wrap=True)


def words(event: TargetEvent) -> tuple[str, str] | None:
    """A symbol and a sentence for *event*; None: it is not told."""
    letter = next((case.letter for case in CASES if case.context == event.context), "?")
    state, who = f"`{event.state}`", "the reconciliation" if event.actor.startswith("reconcil") else "the task"
    match event.kind:
        case EventKind.DELIVERED:
            told = "✓", f"{state} is on the commit, sent by {who}"
        case EventKind.FOUND:
            told = "✓", f"{who} reads back and finds {state} on the commit: it is not sent again"
        case EventKind.ABSENT:
            told = "?", f"{who} reads back: {state} is not on the commit, so that it may be sent"
        case EventKind.UNKNOWN if event.http_status is None:
            told = (
                "?",
                f"the reply to {state} is lost: GitHub may have it, or not. Nothing is sent before that is known",
            )
        case EventKind.UNKNOWN:
            told = "?", f"GitHub answers {event.http_status} to {state}: it may have stored it, or not"
        case EventKind.NOT_SENT:
            told = "…", f"{who} tries again: GitHub does not say whether it has {state}, so that nothing is sent"
        case EventKind.SUPERSEDED:
            told = "·", f"{state} is not sent any more: the outcome is there"
        case _:
            return None
    return told[0], f"({letter}) {told[1]}"
