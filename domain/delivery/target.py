"""Targets, where outcomes show on GitHub, and the states of a commit status."""

from dataclasses import dataclass
from enum import StrEnum


class StatusState(StrEnum):
    """The states of a GitHub commit status."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


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
