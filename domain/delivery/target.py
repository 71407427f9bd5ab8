"""Where an outcome shows on GitHub, and the states that a commit status can show there."""

from dataclasses import dataclass
from enum import StrEnum

MAX_CONTEXT = 255
"""Characters GitHub takes in a status's context; a longer one is answered 422."""


class StatusState(StrEnum):
    """What a GitHub commit status can say."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


def short_enough(context: str) -> str:
    """*context*, if it has at most 255 characters in lower case too, where "İ" has two. Raises ValueError otherwise.

    The key of a target holds it in lower case, in a column that has room for as many.
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
        """What makes two targets one: GitHub tells neither repositories nor contexts apart by letter case."""
        return f"{self.repository}@{self.sha}:{self.context}".lower()
