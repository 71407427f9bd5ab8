"""The job types of jobs.toml: what a request can ask for, and within which bounds."""

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from domain.job import MAX_CONTEXT
from domain.options import FlagOption, IntegerOption, Option, StringOption, arguments, check_options
from domain.text import one_line
from domain.toml_lines import line_of, lines_of

DEFAULT_TIMEOUT = timedelta(minutes=5)
LONGEST_TIMEOUT = timedelta(hours=2)

SPAN = re.compile(r"(?:(?P<hours>\d{1,4})h)?(?:(?P<minutes>\d{1,4})m)?(?:(?P<seconds>\d{1,5})s)?")
SECRET_PREFIXES = ("REPORTBACK_", "PREFECT_")
SECRET_NAMES = ("GITHUB_TOKEN", "GH_TOKEN")


def _span(value: object) -> timedelta:
    seconds = value
    if isinstance(value, str) and value and (parts := SPAN.fullmatch(value)):
        seconds = timedelta(**{unit: int(number) for unit, number in parts.groupdict("0").items()}).total_seconds()
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        if 0 < seconds <= LONGEST_TIMEOUT.total_seconds():
            return timedelta(seconds=seconds)
        raise ValueError(f"{value!r} is out of bounds; allowed: more than 0 and at most 2h")
    raise ValueError(f'{value!r} is no time limit; allowed: seconds, or a text such as "90s", "5m" or "1h30m"')


TimeLimit = Annotated[timedelta, BeforeValidator(_span)]
Word = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50)]
"""Lower-case letters, digits and "-" between them: also fit for a label, a URL and the key of a Prefect artifact."""
OptionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=50)]
Argument = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")]


class BadJobsFile(ValueError):
    """jobs.toml cannot be used. The message lists every problem: file, line, field, and what is allowed."""


class JobType(BaseModel):
    """One docs command, and the bounds within which a request may use it.

    `exclusive`: jobs of the same group run one after the other. `context`: under which name the outcome shows on the
    commit, `docs/<name>` unless it says otherwise. `env`: the environment variables that the command may see.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Word
    description: str = ""
    command: Annotated[tuple[Argument, ...], Field(min_length=1)]
    options: dict[OptionName, Option] = Field(default_factory=dict)
    timeout: TimeLimit = DEFAULT_TIMEOUT
    env: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...] = ()
    exclusive: Word | None = None
    context: Annotated[str, Field(min_length=1, max_length=MAX_CONTEXT)] = Field(
        default_factory=lambda data: f"docs/{data['name']}"
    )

    @field_validator("env")
    @classmethod
    def _no_secret_is_seen(cls, env: tuple[str, ...]) -> tuple[str, ...]:
        for name in env:
            if name.upper().startswith(SECRET_PREFIXES) or name.upper() in SECRET_NAMES:
                kept = ", ".join([*(f"{prefix}…" for prefix in SECRET_PREFIXES), *SECRET_NAMES])
                raise ValueError(f"a job never sees {name}; any variable is allowed but {kept}")
        return env

    @field_validator("context")
    @classmethod
    def _context_is_one_line(cls, context: str) -> str:
        if context != one_line(context):
            raise ValueError("must be one line without control characters or surrounding blanks")
        return context

    def check_options(self, options: Mapping[str, object]) -> None:
        """Raise `domain.options.BadOptions` unless *options* are declared and within their bounds."""
        check_options(self.options, options)

    def argv(self, options: Mapping[str, object]) -> tuple[str, ...]:
        """The command with the arguments of *options*, for no shell. Raises `domain.options.BadOptions`."""
        return (*self.command, *arguments(self.options, options))


class _JobsFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    jobs: Annotated[dict[str, JobType], Field(min_length=1)]


def parse_job_types(text: str, source: str) -> dict[str, JobType]:
    """The job types that *text* declares, by name and in its order. *source* is how messages call the file.

    Raises:
        BadJobsFile: lists all that is wrong with it.
    """
    try:
        return _JobsFile.model_validate(_with_names(tomllib.loads(text))).jobs
    except tomllib.TOMLDecodeError as error:
        raise BadJobsFile(f"{source}: not TOML: {error}") from None
    except ValidationError as error:
        lines = lines_of(text)
        problems = [
            _problem(detail["loc"], detail["type"], detail["msg"], lines)
            for detail in error.errors()
            if detail["type"] != "default_factory_not_called"  # only says that another field is wrong
        ]
        raise BadJobsFile("\n".join(f"{source}, {problem}" for problem in problems)) from None


def _with_names(content: dict[str, object]) -> dict[str, object]:
    jobs = content.get("jobs")
    if not isinstance(jobs, dict):
        return content
    named = {name: {**job, "name": name} if isinstance(job, dict) else job for name, job in jobs.items()}
    return {**content, "jobs": named}


FIELDS: dict[str, type[BaseModel]] = {"string": StringOption, "integer": IntegerOption, "flag": FlagOption}
OPTION_TYPE = 4
"""Where in ("jobs", job, "options", option, type, field) pydantic puts the type, no part of the file's own path."""


def _problem(where: tuple[int | str, ...], kind: str, message: str, lines: dict[tuple[str, ...], int]) -> str:
    path = tuple(str(part) for index, part in enumerate(where) if not (index == OPTION_TYPE and part in FIELDS))
    if kind == "extra_forbidden":
        message = f"unknown field; allowed: {', '.join(_fields_beside(where))}"
    elif kind == "missing":
        message = "is missing"
    return f"line {line_of(path, lines)}: {'.'.join(path) or 'the file'}: {message.removeprefix('Value error, ')}"


def _fields_beside(where: tuple[int | str, ...]) -> list[str]:
    if len(where) == 1:
        return list(_JobsFile.model_fields)
    if len(where) > OPTION_TYPE:
        return list(FIELDS[str(where[OPTION_TYPE])].model_fields)
    return [name for name in JobType.model_fields if name != "name"]
