"""In which the commands of a job run: its preparations and its own."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from domain.limits import Limits
from domain.summary import summarise
from domain.text import Say
from tasks.command import Finished, run_command


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A working copy, what is seen of our environment, and limits. `shown` makes a line public, `on_line` gets it."""

    copy: Path
    env: Mapping[str, str]
    limits: Limits
    shown: Callable[[str], str]
    on_line: Say

    async def run(self, argv: Sequence[str], limit: timedelta) -> Finished:
        """Run *argv* to its end. Raises CannotStart."""
        return await run_command(
            argv,
            cwd=self.copy,
            env=self.env,
            timeout=limit,
            limits=self.limits,
            on_line=lambda line: self.on_line(self.shown(line)),
        )

    def say(self, words: str) -> None:
        """Have something of our own stand among the output."""
        self.on_line(f"Reportback: {self.shown(words)}")

    def summary(self, done: Finished, limit: timedelta, success_codes: Collection[int | None] = (0,)) -> str:
        """How a command ended, for anybody to read."""
        return summarise(
            done.ended_by,
            exit_code=done.exit_code,
            signal=done.signal,
            tail=[self.shown(line) for line in done.tail],
            elapsed=done.elapsed,
            timeout=limit,
            success_codes=success_codes,
        )
