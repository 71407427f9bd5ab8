"""Texts from old job files, with their tokens removed."""

from collections.abc import Sequence
from datetime import timedelta

from domain.jobs.job_states import JobState
from domain.legacy_import.old_job_fields import Course
from domain.output.error_line import error_line
from domain.redact import HIDDEN, public, without_credentials
from domain.text import fit_description, one_line
from domain.units import in_words

SHORTEST_TOKEN = 8
"""Shorter values are not tokens, and may be part of a word."""

MOST_WORDS = 20_000
"""Characters of a job's error or output that are read."""


def shown(text: str | None, tokens: Sequence[str]) -> str:
    """*text* as one line, without *tokens* and anything with the shape of a token."""
    for token in tokens:
        if len(token) >= SHORTEST_TOKEN:
            text = (text or "").replace(token, HIDDEN)
    return one_line(without_credentials(text or ""))


def summary(course: Course, state: JobState | None, tokens: Sequence[str]) -> str:
    """How the job ended, for the commit; empty if it did not."""
    if state is None:
        return ""
    if state is JobState.SUCCEEDED:
        took = (course.completed_at or course.created_at) - course.created_at
        return f"succeeded in {in_words(took)}" if took > timedelta() else "succeeded"
    words = course.result.error.strip() or course.result.output
    for token in tokens:  # before the text is cut, perhaps within a token
        words = words.replace(token, HIDDEN)
    return fit_description(error_line(public(_last(words)).splitlines())) or state.value


def _last(words: str) -> str:
    """The end of *words*, from the beginning of a line."""
    return words if len(words) <= MOST_WORDS else words[-MOST_WORDS:].partition("\n")[2]
