"""Targets, where outcomes show on GitHub, and the states of a commit status."""

from dataclasses import dataclass
from enum import StrEnum

MAX_CONTEXT = 255
"""Characters GitHub takes in a status's context; a longer one is answered 422."""


class StatusState(StrEnum):
    """The states of a GitHub commit status."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


def short_enough(context: str) -> str:
    """*context*, if it has at most 255 characters in lower case too, where "İ" has two. Raises ValueError otherwise.

    `Target.key` holds it in lower case.
    """
    if len(context.lower()) > MAX_CONTEXT:
        raise ValueError(f"must have at most {MAX_CONTEXT} characters, also once it is in lower case")
    return context


@dataclass(frozen=True, slots=True)
class Target:
    """Where an outcome shows: a context of a commit of a repository.

    `repository` is "owner/name", `sha` 40 lower-case hex digits, `context` 1 to 255 characters.
    """

    repository: str
    sha: str
    context: str

    @property
    def key(self) -> str:
        """Equal for equal targets: GitHub ignores the letter case of repositories and contexts."""
        return f"{self.repository}@{self.sha}:{self.context}".lower()
