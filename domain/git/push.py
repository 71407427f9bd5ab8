"""Push settings of jobs.toml: what a job commits and pushes to its repository."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from domain.delivery.credential_name import CREDENTIAL
from domain.git.paths import Paths
from domain.redact import TOKEN
from domain.text import one_line

AUTHOR = re.compile(r"(?P<name>[^<>]*[^<> ]) <(?P<email>[^<>\s]+@[^<>\s]+)>")
STRIPPED = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
"""Which git takes off both ends of a name; it refuses one of nothing else."""
BRANCH = re.compile(r"(?!.*(\.\.|//|@\{|/\.|\.lock(/|$)))(?![-./@])[^\x00-\x20\x7f~^:?*\[\\]+(?<![/.])")
"""https://git-scm.com/docs/git-check-ref-format, and nothing that could pass as an option."""
NOT_A_BRANCH = re.compile(r"HEAD|refs/.*|[0-9a-fA-F]{40}")
"""What git or GitHub would take for something else."""


class Push(BaseModel):
    """Branch, author and credential with which a successful job commits and pushes its changes to `paths`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    branch: Annotated[str, Field(max_length=200)]
    paths: Paths
    credential: str
    author: Annotated[str, Field(max_length=200)]
    message: Annotated[str, Field(min_length=1, max_length=500)] | None = None

    @field_validator("branch")
    @classmethod
    def _is_a_branch(cls, branch: str) -> str:
        if not BRANCH.fullmatch(branch) or NOT_A_BRANCH.fullmatch(branch):
            raise ValueError(f'{branch!r} is no name of a branch; allowed: such as "main" or "docs/content"')
        return branch

    @field_validator("credential")
    @classmethod
    def _names_no_token(cls, credential: str) -> str:
        if not CREDENTIAL.fullmatch(credential) or TOKEN.search(credential):  # not quoted: it may be a token
            raise ValueError(
                "must be env:VARIABLE, secret:BLOCK or app:CLIENT_ID, where the token is, and never the token itself"
            )
        return credential

    @field_validator("author")
    @classmethod
    def _is_an_author(cls, author: str) -> str:
        parts = AUTHOR.fullmatch(author)
        if author != one_line(author) or not (parts and all(part.strip(STRIPPED) for part in parts.groups())):
            raise ValueError(f'{author!r} is not an author; allowed: such as "Docs bot <docs@example.com>"')
        return author

    @field_validator("message")
    @classmethod
    def _is_text(cls, message: str | None) -> str | None:
        if message is not None and ("\0" in message or not message.strip()):
            raise ValueError("must have visible characters and no NUL")
        return message

    @property
    def identity(self) -> tuple[str, str]:
        """The author's name and e-mail address."""
        found = AUTHOR.fullmatch(self.author)
        assert found is not None
        return found["name"], found["email"]
