"""Reads the bodies of requests that create or update a check run, or refuses them with GitHub's texts."""

import json
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from fake_github.answers.refusals import DOCS, refusal
from fake_github.exchange import Answer, Json, is_web_address
from fake_github.surfaces.check_run_store import Annotation

WRITE_DOCS = f"{DOCS}/checks/runs"
MAX_ANNOTATIONS = 50
MAX_TEXT = 65_535
MAX_MESSAGE = 64 * 2**10

_NEVER = datetime.min.replace(tzinfo=UTC)


class _Model(BaseModel):
    """Fields that are left out keep a default that nobody reads: only what is given is taken."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Annotation(_Model):
    path: str
    start_line: int
    end_line: int
    start_column: int | None = None
    end_column: int | None = None
    annotation_level: Literal["notice", "warning", "failure"]
    message: str
    title: Annotated[str, Field(max_length=255)] | None = None
    raw_details: str | None = None

    @model_validator(mode="after")
    def _lines(self) -> Self:
        if self.end_line < self.start_line:
            raise ValueError("end_line is before start_line.")
        has_columns = self.start_column is not None or self.end_column is not None
        if has_columns and self.start_line != self.end_line:
            raise ValueError("start_column and end_column are for annotations of one line.")
        return self

    def read(self) -> Annotation:
        given = self.model_dump()
        return Annotation(level=given.pop("annotation_level"), **given)


class _Output(_Model):
    title: str = ""
    summary: Annotated[str, Field(max_length=MAX_TEXT)]
    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    annotations: Annotated[list[_Annotation], Field(max_length=MAX_ANNOTATIONS)] = []


class _FirstOutput(_Output):
    title: str


class _Action(_Model):
    label: Annotated[str, Field(max_length=20)]
    description: Annotated[str, Field(max_length=40)]
    identifier: Annotated[str, Field(max_length=20)]


class _Update(_Model):
    """The body of a PATCH. `stale` is GitHub's own conclusion; the statuses that are missing are those of Actions."""

    name: str = ""
    details_url: str = ""
    external_id: str = ""
    status: Literal["queued", "in_progress", "completed"] = "queued"
    started_at: AwareDatetime = _NEVER
    conclusion: Literal[
        "action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"
    ] = "neutral"  # fmt: skip
    completed_at: AwareDatetime = _NEVER
    output: _Output | None = None
    actions: Annotated[list[_Action], Field(max_length=3)] = []

    @model_validator(mode="after")
    def _concluded(self) -> Self:
        ends = self.status == "completed" or "completed_at" in self.model_fields_set
        if ends and "conclusion" not in self.model_fields_set:
            raise ValueError('"conclusion" wasn\'t supplied.')
        return self


class _Creation(_Update):
    name: str
    head_sha: str
    output: _FirstOutput | None = None


def creation(body: bytes) -> tuple[Json, tuple[Annotation, ...]] | Answer:
    """The fields of a run that a POST gives, `head_sha` among them, and its annotations; or GitHub's refusal."""
    return _read(_Creation, body)


def update(body: bytes) -> tuple[Json, tuple[Annotation, ...]] | Answer:
    """The fields that a PATCH gives, and its annotations; or GitHub's refusal."""
    return _read(_Update, body)


def too_many_annotations(count: int) -> Answer:
    """https://github.com/qiniu/reviewbot/issues/258."""
    return _invalid(f"No more than {MAX_ANNOTATIONS} items are allowed; {count} were supplied.")


def _read(model: type[_Update], body: bytes) -> tuple[Json, tuple[Annotation, ...]] | Answer:
    try:
        asked = model.model_validate_json(body)
    except ValidationError as error:
        return _refused(error)
    output = asked.output
    fields = asked.model_dump(exclude_unset=True, exclude={"output", "actions"})
    if output:
        fields |= output.model_dump(exclude_unset=True, exclude={"annotations"})
    annotations = tuple(one.read() for one in output.annotations) if output else ()
    return _objection(fields, annotations) or (fields, annotations)


def _refused(error: ValidationError) -> Answer:
    """The refusal for the first thing that is wrong with a body."""
    first = error.errors(include_url=False)[0]
    where, found, bounds = first["loc"], first["input"], first.get("ctx", {})
    match first["type"]:
        case "json_invalid":
            return refusal(400, "Problems parsing JSON", docs=WRITE_DOCS)
        case "model_type" if not where:
            return refusal(400, "Body should be a JSON object", docs=WRITE_DOCS)
        case "missing":
            return _invalid(f'"{where[-1]}" wasn\'t supplied.')
        case "too_long" if where[-1] == "annotations":
            return too_many_annotations(len(found))
        case "too_long":
            return _invalid(f"No more than {bounds['max_length']} items are allowed; {len(found)} were supplied.")
        case "string_too_long":  # https://github.com/zyborg/dotnet-tests-report/issues/9
            return _invalid(f"Only {bounds['max_length']} characters are allowed; {len(found)} were supplied.")
        case "value_error":
            return _invalid(str(bounds["error"]))
        case _:
            value = json.dumps(found, default=str)
            return _invalid(f"For 'properties/{'/'.join(map(str, where))}', {value}: {first['msg']}.")


def _invalid(problem: str) -> Answer:
    return refusal(422, f"Invalid request.\n\n{problem}", docs=WRITE_DOCS)


def _objection(fields: Json, annotations: tuple[Annotation, ...]) -> Answer | None:
    """GitHub counts bytes where its description says characters: https://github.com/github/docs/issues/35252."""
    texts = [(name, str(fields.get(name) or ""), MAX_TEXT) for name in ("summary", "text")]
    for one in annotations:
        texts += [("message", one.message, MAX_MESSAGE), ("raw_details", one.raw_details or "", MAX_MESSAGE)]
    for name, text, most in texts:
        if len(text.encode()) > most:
            return _failed(name, f"{name} exceeds a maximum bytesize of {most}")
    if not is_web_address(str(fields.get("details_url", ""))):
        return _failed("details_url", "details_url must use http(s) scheme")
    return None


def _failed(name: str, message: str) -> Answer:
    error = {"resource": "CheckRun", "code": "custom", "field": name, "message": message}
    return refusal(422, "Validation Failed", docs=WRITE_DOCS, errors=[error])
