"""Parses the bodies of GitHub's responses. Never raises: what does not fit is None or left out."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    StrictInt,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticUseDefault

from domain.delivery.outcome import Page, Posted, RunsPage, ShownRun
from domain.redact import without_credentials
from domain.text import clean, cut, one_line

MAX_WORDS = 300
"""Most characters of GitHub's message in an outcome."""

_PROPERTY = re.compile(r"'properties/(\w+)'")
"""A field whose value has the wrong type, as in: For 'properties/state', nil is not a string."""

_Id = Annotated[StrictInt, Field(gt=0, lt=2**63)]  # real ids need more than 32 bits; the ledger stores 64


def shortened(text: str) -> str:
    """*text* as one line of at most 300 characters, without credentials, which a proxy may have quoted."""
    return cut(without_credentials(one_line(text)), MAX_WORDS)


def _or_default(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """A field of another shape than expected counts as missing: one odd field must not hide the others."""
    try:
        return handler(value)
    except ValidationError:
        raise PydanticUseDefault from None


_Text = Annotated[str, WrapValidator(_or_default)]


class _Detail(BaseModel):
    """A member of `errors`: https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed."""

    field: _Text = ""
    code: _Text = ""
    message: _Text = ""

    def words(self) -> str:
        return self.message or f"{self.field} {self.code}".strip()


class _Block(BaseModel):
    reason: _Text = ""


class Refusal(BaseModel):
    """The body of an error. `block` is set if the repository is disabled, with the reason ("tos", "dmca")."""

    message: _Text = ""
    documentation_url: _Text = ""
    errors: Annotated[tuple[_Detail | str, ...] | str, WrapValidator(_or_default)] = ""
    block: Annotated[_Block | None, WrapValidator(_or_default)] = None

    @property
    def has_docs(self) -> bool:
        """Whether it has both a message and a link to documentation, as GitHub's errors have."""
        return bool(self.message and self.documentation_url)

    def words(self) -> str:
        """GitHub's message and its details, in one line of at most 300 characters; empty if it gave none."""
        details = "; ".join(_details(self.errors)) or (self.block.reason if self.block else "")
        return shortened(": ".join(filter(None, (self.message, details))))

    def fields(self) -> list[str]:
        """Candidates for names of the fields that GitHub rejects, among them the first word of each error."""
        errors = (self.errors,) if isinstance(self.errors, str) else self.errors
        named = [e.partition(" ")[0] if isinstance(e, str) else e.field or e.message.partition(" ")[0] for e in errors]
        return [*named, *_PROPERTY.findall(self.message)]


class _CreatedStatus(BaseModel):
    id: _Id
    context: str


class _Creator(BaseModel):
    login: _Text = ""


class _ListedStatus(BaseModel):
    id: _Id
    state: str
    context: str
    target_url: str | None = None
    created_at: AwareDatetime
    creator: Annotated[_Creator | None, WrapValidator(_or_default)] = None


class _App(BaseModel):
    client_id: _Text = ""


class _Output(BaseModel):
    annotations_count: int = 0


class _CheckRun(BaseModel):
    """https://docs.github.com/rest/checks/runs#get-a-check-run."""

    id: _Id
    name: str
    external_id: str | None = None
    app: Annotated[_App | None, WrapValidator(_or_default)] = None
    output: Annotated[_Output | None, WrapValidator(_or_default)] = None


class _CheckRuns(BaseModel):
    check_runs: tuple[_CheckRun, ...]


_LISTED = TypeAdapter(tuple[_ListedStatus, ...])


def _details(errors: Sequence[_Detail | str]) -> list[str]:
    if isinstance(errors, str):
        return [errors] if errors else []
    return [found for e in errors if (found := e if isinstance(e, str) else e.words())]


def is_github_error(body: bytes) -> bool:
    """Whether *body* has the form of GitHub's errors: JSON with a message."""
    try:
        return bool(Refusal.model_validate_json(body).message)
    except ValidationError:
        return False


def refusal(body: bytes) -> Refusal:
    """The error in *body*. Plain text is taken as the message; HTML is ignored."""
    try:
        return Refusal.model_validate_json(body)
    except ValidationError:
        text = body[: 4 * MAX_WORDS].decode("utf-8", "replace").strip()
        return Refusal(message="" if text.startswith("<") else text)


def created_status(body: bytes) -> tuple[int, str] | None:
    """Id and context of the status that GitHub created. None: *body* is not such a response."""
    try:
        status = _CreatedStatus.model_validate_json(body)
    except ValidationError:
        return None
    return status.id, status.context


def status_page(body: bytes, next_url: str | None) -> Page | None:
    """A page of statuses, in its order. None: *body* is not a list of statuses, or one of them cannot be read."""
    try:
        statuses = _LISTED.validate_json(body)
    except ValidationError:
        return None
    return Page(tuple(map(_posted, statuses)), next_url)


def check_run(body: bytes) -> ShownRun | None:
    """The check run in *body*. None: there is none."""
    try:
        return _shown(_CheckRun.model_validate_json(body))
    except ValidationError:
        return None


def check_runs_page(body: bytes, next_url: str | None) -> RunsPage | None:
    """A page of check runs. None: *body* does not list check runs, or one of them cannot be read."""
    try:
        return RunsPage(tuple(map(_shown, _CheckRuns.model_validate_json(body).check_runs)), next_url)
    except ValidationError:
        return None


def _shown(run: "_CheckRun") -> ShownRun:
    app = run.app.client_id or None if run.app else None
    return ShownRun(run.id, run.name, run.external_id or "", run.output.annotations_count if run.output else 0, app)


def _posted(status: _ListedStatus) -> Posted:
    url = clean(status.target_url) if status.target_url else None
    login = clean(status.creator.login) or None if status.creator else None
    return Posted(status.id, clean(status.state), clean(status.context), url, status.created_at, login)
