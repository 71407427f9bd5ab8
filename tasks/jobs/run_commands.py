"""Runs a job's prepare steps and command in its working copy, with its environment, limits and user."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from domain.jobs.job_states import JobState, state_after
from domain.jobs.job_type import JobType
from domain.output.findings import Finding
from domain.output.parser import OutputParser
from domain.output.patterns import LinePattern
from domain.output.progress import Progress, ShowProgress, ignore_progress
from domain.output.summary import skipped, summarise
from domain.process.ended_by import EndedBy
from domain.process.limits import Limits
from domain.redact import public
from domain.text import LogLine, cut, one_line
from tasks.git.commit_files import CommitFiles
from tasks.jobs.log_sampling import LineBudget
from tasks.process.causes import missing_module
from tasks.process.command import CannotStart, Finished, child_environment, run_command
from tasks.process.output_lines import MAX_LINE
from tasks.process.uncancellable import run_uncancellable
from tasks.process.user_lock import end_all
from tasks.process.users import JobUser


def ignore_prepared() -> None:
    """Default for what is called when a job is prepared: does nothing."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what was parsed from its output."""

    finished: Finished
    parsed: OutputParser


@dataclass(frozen=True, slots=True)
class BuildEnvironment:
    """A working copy, the commands' environment variables, and limits. `shown` makes a line public, `on_line` gets it.

    `user` runs the commands and owns the working copy; None: our own user.
    `on_prepared` is called between the preparations and the command. `on_progress` gets a command's progress, and
    `budget` decides which lines of its output `on_line` gets. `files`: those of the commit.
    """

    copy: Path
    env: Mapping[str, str]
    limits: Limits
    shown: Callable[[str], str]
    on_line: LogLine
    user: JobUser | None = None
    on_progress: ShowProgress = ignore_progress
    on_prepared: Callable[[], None] = ignore_prepared
    budget: LineBudget = field(default_factory=LineBudget)
    files: CommitFiles = field(default_factory=CommitFiles)

    async def run(
        self, argv: Sequence[str], limit: timedelta, patterns: Sequence[LinePattern] = (), *, share: float = 1.0
    ) -> Ran:
        """Run *argv* to its end. It may use *share*, from 0 to 1, of what is left of the budget.

        Raises:
            CannotStart: there is no such command.
            StillRuns: a process that it started cannot be ended.
        """
        if why := missing_module(argv, self.copy, self.env):
            raise CannotStart(why)
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
                on_line=lambda line: self._take_line(line, parsed),
                shown=self.shown,
                on_redraw=lambda line: self._show_progress(parsed.progress_in(line)),
            )
        finally:
            # Processes left by a killed supervisor must not change files while we copy or remove them.
            if user := self.user:
                await run_uncancellable(lambda: end_all(user))
        return Ran(finished, parsed)

    def _take_line(self, line: str, parsed: OutputParser) -> None:
        """Parse every line, also one that is not sent."""
        self._show_progress(parsed.take(line))
        if self.budget.take(line, parsed.sign):
            self._show(line)

    def _show_progress(self, progress: Progress | None) -> None:
        if progress:
            self.on_progress(progress)

    def end_output(self) -> None:
        """Show the last lines of the output, after the number of lines left out."""
        for line in self.budget.end():
            self._show(line)

    def _show(self, line: str) -> None:
        """Make the line public before cutting it: half a secret would not be recognised."""
        self.on_line(cut(self.shown(line), MAX_LINE))

    def say(self, words: str) -> None:
        """Add a line of our own to the output."""
        self.on_line(f"Reportback: {self.shown(words)}")

    def public_finding(self, one: Finding) -> Finding:
        """What a command said of a place in a file, made public."""
        message, title = one_line(self.shown(one.message)), one_line(self.shown(one.title))
        return replace(one, path=self.shown(one.path), message=message, title=title)

    def skipped(self, ran: Ran, job_type: JobType) -> str:
        """A public summary, if the command says by its exit code that there was nothing to do; else empty."""
        done = ran.finished
        if done.ended_by is not EndedBy.EXITED or not job_type.is_skipped_by(done.exit_code):
            return ""
        return skipped(one_line(self.shown(done.tail[-1] if done.tail else f"exit code {done.exit_code}")))

    def ended(self, ran: Ran, job_type: JobType) -> tuple[JobState, str]:
        """The state in which a command left its job, and a public summary."""
        state = state_after(ran.finished.ended_by, ran.finished.exit_code, job_type.success_codes)
        return state, self.summary(ran, job_type.timeout, job_type.success_codes)

    def summary(self, ran: Ran, limit: timedelta, success_codes: Collection[int | None] = (0,)) -> str:
        """A public summary of how a command ended."""
        done = ran.finished
        return summarise(
            done.ended_by,
            exit_code=done.exit_code,
            signal=done.signal,
            error_line=one_line(self.shown(" ".join(ran.parsed.error_line))),
            counts=ran.parsed.counts,
            elapsed=done.elapsed,
            timeout=limit,
            success_codes=success_codes,
        )


def build_environment(
    job_type: JobType, copy: Path, home: Path, secrets: Sequence[str], on_line: LogLine
) -> BuildEnvironment:
    """The environment of a job in *copy*, with *home* as its HOME; *secrets* are in none of its public words."""
    return BuildEnvironment(
        copy,
        child_environment(job_type.env, os.environ, home),
        job_type.limits,
        partial(
            public,
            secrets=secrets,
            roots=(str(copy), str(home)),
            folders=frozenset(folder.name for folder in Path("/").iterdir()),
        ),
        on_line,
    )
