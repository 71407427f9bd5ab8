"""What a check run shows of an execution: its conclusion, summary and annotations; and the content of a request."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.annotation import Annotation
from domain.delivery.check_run import Request, Saying, Step
from domain.delivery.target import Target

MAX_SUMMARY = 65_535

SUPERSEDED = "superseded by a newer run of this job"


class Conclusion(StrEnum):
    """Conclusions of a check run that are used. Required checks let `success` and `skipped` pass."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Output:
    """What is shown beside the description: Markdown, also with the annotations as a table, and the annotations."""

    summary: str
    plain_summary: str
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """The end of an execution, as its check run shows it; stored once, so that every request says the same."""

    conclusion: Conclusion
    completed_at: datetime
    output: Output


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """The content of one request about a check run. `github_id` None: it makes one. Times are UTC."""

    step: Step
    target: Target
    title: str
    summary: str
    details_url: str | None = None
    conclusion: Conclusion | None = None  # None: in progress
    completed_at: datetime | None = None
    annotations: tuple[Annotation, ...] = ()


def request_of(step: Step, target: Target, title: str, url: str, end: End | None) -> CheckRequest:
    """The content of *step*, the same each time. *title*, *url* and *end* are those of the newest report."""
    if step.saying == Saying.CLOSED:
        before = step.newer_at - timedelta(seconds=1)  # GitHub's times have whole seconds
        words = "A newer run of this job was asked for while this one had not ended."
        return CheckRequest(step, target, SUPERSEDED, words, conclusion=Conclusion.CANCELLED, completed_at=before)
    if end is None or step.saying == Saying.UNDER_WAY:
        return CheckRequest(step, target, title, title, details_url=url)
    with_annotations = step.request is Request.CONCLUDE
    return CheckRequest(
        step, target, title, end.output.summary if with_annotations else end.output.plain_summary, details_url=url,
        conclusion=end.conclusion, completed_at=end.completed_at,
        annotations=end.output.annotations if with_annotations else (),
    )  # fmt: skip
