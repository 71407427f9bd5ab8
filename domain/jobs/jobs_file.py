"""Parses jobs.toml, version 1, or refuses it with a list of all problems."""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from domain.git.checkout import Checkout
from domain.git.push import Push
from domain.jobs.job_type import JobType
from domain.jobs.options import FlagOption, IntegerOption, StringOption
from domain.jobs.preparation import Cache, Preparation
from domain.output.patterns import LinePattern
from domain.process.limits import Limits
from domain.redact import refusal
from domain.toml_lines import deep_line, line_of, lines_of
from domain.wrong_values import why_refused

BYTE_ORDER_MARK = "\ufeff"
"""Which some editors write before the first line."""


class BadJobsFile(ValueError):
    """jobs.toml cannot be used. The message lists every problem: file, line, field, and what is allowed."""


class _JobsFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    jobs: Annotated[dict[str, JobType], Field(min_length=1)]


def parse_job_types(content: str | bytes, source: str, *, credentials: Collection[str] = ()) -> dict[str, JobType]:
    """The job types that *content* declares, by name and in its order. *source* names the file in messages.

    No job may see the variable of one of the *credentials*, which send reports, or of one with which any job pushes.

    Raises:
        BadJobsFile: lists all problems.
    """
    text = (content if isinstance(content, str) else _decoded(content, source)).removeprefix(BYTE_ORDER_MARK)
    lines = lines_of(text)
    try:
        jobs = _JobsFile.model_validate(_with_names(tomllib.loads(text))).jobs
        problems = list(_seen_tokens(jobs, credentials, lines))
    except RecursionError:
        problems = [f"line {deep_line(text)}: too many brackets or braces within one another"]
    except ValidationError as error:
        problems = [
            _problem(detail, lines)
            for detail in error.errors()
            if detail["type"] != "default_factory_not_called"  # only says that another field is wrong
        ]
    except ValueError as error:  # tomllib's own, or a number with thousands of digits
        raise BadJobsFile(f"{source}: not TOML: {refusal(str(error))}") from None
    if problems:
        raise BadJobsFile("\n".join(f"{source}, {problem}" for problem in problems))
    return jobs


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors: its fields, types and bounds, without what depends on several."""
    schema = _JobsFile.model_json_schema(mode="validation")
    job = schema["$defs"]["JobType"]
    del job["properties"]["name"]  # it is the table's
    job["required"] = [name for name in job["required"] if name != "name"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Reportback's job types"}


def _decoded(content: bytes, source: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadJobsFile(f"{source}, line {line}: not UTF-8: write it in UTF-8") from None


def _with_names(content: dict[str, object]) -> dict[str, object]:
    jobs = content.get("jobs")
    if not isinstance(jobs, dict):
        return content
    named = {name: {**job, "name": name} if isinstance(job, dict) else job for name, job in jobs.items()}
    return {**content, "jobs": named}


OPTIONS: dict[str, type[BaseModel]] = {"string": StringOption, "integer": IntegerOption, "flag": FlagOption}
OPTION_TYPE = 4
"""Index of the type in pydantic's ("jobs", job, "options", option, type, field); it is not in the file's path."""

WITHIN: dict[tuple[str, ...], type[BaseModel]] = {
    ("checkout",): Checkout,
    ("prepare",): Preparation,
    ("prepare", "cache"): Cache,
    ("push",): Push,
    ("limits",): Limits,
    ("patterns",): LinePattern,
}
"""Models of the tables within a job, by path."""


def _problem(detail: ErrorDetails, lines: dict[tuple[str, ...], int]) -> str:
    where, kind = detail["loc"], detail["type"]
    path = tuple(str(part) for index, part in enumerate(where) if not (index == OPTION_TYPE and part in OPTIONS))
    if kind == "extra_forbidden":
        words = f"unknown field; allowed: {', '.join(_fields_beside(where))}"
    else:
        words = why_refused(kind, detail["msg"], detail.get("ctx"))
    return refusal(f"line {line_of(path, lines)}: {'.'.join(path) or 'the file'}: {words}")


def _seen_tokens(
    jobs: Mapping[str, JobType], credentials: Collection[str], lines: Mapping[tuple[str, ...], int]
) -> Iterator[str]:
    named_by = dict.fromkeys(credentials, "REPORTBACK_CREDENTIALS")
    named_by |= {job.push.credential: f"jobs.{name}.push.credential" for name, job in jobs.items() if job.push}
    for name, job in jobs.items():
        for variable in job.env:
            if setting := named_by.get(f"env:{variable}"):
                line = line_of(("jobs", name, "env"), lines)
                yield f"line {line}: jobs.{name}.env: a job never sees {variable}: {setting} names it"


def _fields_beside(where: tuple[int | str, ...]) -> list[str]:
    if len(where) == 1:
        return list(_JobsFile.model_fields)
    if where[2] == "options":
        return list(OPTIONS[str(where[OPTION_TYPE])].model_fields)
    table = tuple(part for part in where[2:-1] if isinstance(part, str))
    fields = WITHIN.get(table, JobType).model_fields
    return [field.alias or name for name, field in fields.items() if name != "name"]
