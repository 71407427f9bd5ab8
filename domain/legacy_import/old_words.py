"""What an old job's file says, without the tokens that stand in it."""

from collections.abc import Sequence
from datetime import timedelta

from domain.jobs.job import JobState
from domain.legacy_import.old_job_fields import Course
from domain.output.error_line import error_line
from domain.redact import HIDDEN, public, without_credentials
from domain.text import fit_description, one_line
from domain.units import in_words

SHORTEST_TOKEN = 8
"""What is shorter is no token, and may well be part of a word."""

MOST_WORDS = 20_000
"""Characters of a job's error or output that are looked at."""


def shown(text: str | None, tokens: Sequence[str]) -> str:
    """*text* as one line, without *tokens* and what looks like one."""
    for token in tokens:
        if len(token) >= SHORTEST_TOKEN:
            text = (text or "").replace(token, HIDDEN)
    return one_line(without_credentials(text or ""))


def summary(course: Course, state: JobState | None, tokens: Sequence[str]) -> str:
    """How it ended, for the commit; empty if it did not."""
    if state is None:
        return ""
    if state is JobState.SUCCEEDED:
        took = (course.completed_at or course.created_at) - course.created_at
        return f"succeeded in {in_words(took)}" if took > timedelta() else "succeeded"
    words = course.result.error.strip() or course.result.output
    for token in tokens:  # before it is cut, perhaps within one
        words = words.replace(token, HIDDEN)
    return fit_description(error_line(public(_last(words)).splitlines())) or state.value


def _last(words: str) -> str:
    """The last of it, from the beginning of a line on."""
    return words if len(words) <= MOST_WORDS else words[-MOST_WORDS:].partition("\n")[2]
