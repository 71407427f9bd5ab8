"""In which the commands of a job run: its preparations and its own."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from domain.output.parser import OutputParser
from domain.output.patterns import LinePattern
from domain.output.progress import ShowProgress, unseen
from domain.output.summary import summarise
from domain.process.limits import Limits
from domain.text import LogLine, cut, one_line
from tasks.jobs.log_sampling import LineBudget
from tasks.process.command import Finished, run_command
from tasks.process.output_lines import MAX_LINE
from tasks.process.uncancellable import run_uncancellable
from tasks.process.user_lock import end_all
from tasks.process.users import JobUser


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what its output told."""

    finished: Finished
    parsed: OutputParser


@dataclass(frozen=True, slots=True)
class BuildEnvironment:
    """A working copy, what is seen of our environment, and limits. `shown` makes a line public, `on_line` gets it.

    `user`: who the commands run as, and whose the working copy is; None: as we do.
    `on_progress` is told how far a command is, and `budget` says which lines of its output `on_line` gets.
    """

    copy: Path
    env: Mapping[str, str]
    limits: Limits
    shown: Callable[[str], str]
    on_line: LogLine
    user: JobUser | None = None
    on_progress: ShowProgress = unseen
    budget: LineBudget = field(default_factory=LineBudget)

    async def run(
        self, argv: Sequence[str], limit: timedelta, patterns: Sequence[LinePattern] = (), *, share: float = 1.0
    ) -> Ran:
        """Run *argv* to its end. It may use *share*, from 0 to 1, of what is left of the budget.

        Raises:
            CannotStart: there is no such command.
            StillRuns: something that it started cannot be ended.
        """
        parsed = OutputParser(patterns)
        self.budget.begin(limit, share)
        try:
            finished = await run_command(
                argv,
                cwd=self.copy,
                env=self.env,
                timeout=limit,
                limits=self.limits,
                user=self.user,
                on_line=lambda line: self._hear(line, parsed),
                shown=self.shown,
            )
        finally:
            # What a supervisor that was killed let go must not change files while we copy or remove them.
            if user := self.user:
                await run_uncancellable(lambda: end_all(user))
        return Ran(finished, parsed)

    def _hear(self, line: str, parsed: OutputParser) -> None:
        """Every line is understood, also one that is not sent."""
        if progress := parsed.take(line):
            self.on_progress(progress)
        if self.budget.take(line):
            self._show(line)

    def end_output(self) -> None:
        """No more output comes: have its last lines shown, behind how many are missing in all."""
        for line in self.budget.end():
            self._show(line)

    def _show(self, line: str) -> None:
        """It is made public before it is cut: half a secret would be none that anybody knows."""
        self.on_line(cut(self.shown(line), MAX_LINE))

    def say(self, words: str) -> None:
        """Have something of our own stand among the output."""
        self.on_line(f"Reportback: {self.shown(words)}")

    def summary(self, ran: Ran, limit: timedelta, success_codes: Collection[int | None] = (0,)) -> str:
        """How a command ended, for anybody to read."""
        done = ran.finished
        return summarise(
            done.ended_by,
            exit_code=done.exit_code,
            signal=done.signal,
            telling=one_line(self.shown(" ".join(ran.parsed.telling))),
            counts=ran.parsed.counts,
            elapsed=done.elapsed,
            timeout=limit,
            success_codes=success_codes,
        )
