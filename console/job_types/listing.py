"""The commands `reportback jobs list`, `check` and `schema`: what a file of job types declares, and what it may."""

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from console.arguments import Json
from console.terminal import plain, results, say, stdout_console, table
from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import BadJobsFile, json_schema
from domain.jobs.options import FlagOption, IntegerOption, Option
from domain.redact import without_credentials
from settings import Settings
from tasks.jobs.read_job_types import read_job_types
from tasks.process.causes import missing_module
from tasks.process.command import child_environment

File = Annotated[Path | None, Parameter(name="FILE")]


def read_types(file: Path | None = None) -> Mapping[str, JobType]:
    """The job types of *file*, else of the file that the settings name. Raises ValueError: why it cannot be used."""
    settings = Settings()
    path = file or settings.jobs_file
    try:
        return read_job_types(settings, path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}; REPORTBACK_JOBS_FILE names another") from None


def list_types(file: File = None, /, *, is_json: Json = False) -> None:
    """List the job types: what each runs, its options as the form has them, and a command that starts it.

    Args:
        file: A file of job types, instead of the one in the settings.
        is_json: Print JSON for programs.
    """
    types = read_types(file)
    if is_json:
        stdout_console().print_json(json.dumps([_facts(one) for one in types.values()]))
        return
    for one in types.values():
        _show(one)


def check_types(file: File = None, /) -> int:
    """Check a file of job types, line by line, and that what it runs is installed here. Exits with 1 if it is refused.

    Args:
        file: The file, instead of the one in the settings.
    """
    try:
        types = read_types(file)
    except BadJobsFile as error:
        for line in str(error).splitlines():
            say(without_credentials(line))
        return 1
    for one in types.values():
        if why := _lacks(one):
            say(f"{one.name}: {why}")
    results().print(plain(f"{len(types)} to run: {', '.join(types)}"), soft_wrap=True)
    return 0


def print_schema() -> None:
    """Print the JSON Schema of jobs.toml, for editors.

    In an editor with Even Better TOML or Taplo, the file's first line names it: `#:schema ./jobs.schema.json`.
    """
    stdout_console().print_json(json.dumps(json_schema()))


def _show(job_type: JobType) -> None:
    out = results()
    out.print(plain(f"{job_type.name}: {job_type.description or 'not described'}"), style="bold", soft_wrap=True)
    facts = {"runs": shlex.join(job_type.command), "context": job_type.context, "start": example(job_type)}
    if why := _lacks(job_type):
        facts["lacks"] = why
    for name, fact in facts.items():
        out.print(Text(f"  {name:<9}").append_text(plain(fact)), soft_wrap=True)
    if job_type.options:
        rows = table("  option", "value", "default", "")
        for name, option in job_type.options.items():
            default = "required" if option.required else _written(option.default)
            rows.add_row(f"  {name}", plain(option.allowed), plain(default), plain(option.description))
        out.print(rows)
    out.print()


def example(job_type: JobType) -> str:
    """A command that starts such a job, with a value for each option."""
    options = (shlex.quote(f"{name}={_sample(option)}") for name, option in job_type.options.items())
    return " ".join(["reportback submit", job_type.name, "--repo OWNER/NAME --sha COMMIT", *_each("-o", options)])


def needed(job_type: JobType) -> list[str]:
    """The arguments of `submit` without which the job type is refused, with a value that it may have."""
    required = {name: option for name, option in job_type.options.items() if option.required}
    return [word for name, option in required.items() for word in ("-o", f"{name}={_sample(option)}")]


def _each(switch: str, values: Iterator[str]) -> Iterator[str]:
    return (f"{switch} {value}" for value in values)


def _sample(option: Option) -> str:
    """A value that it may have; for a pattern, a word that says so."""
    if option.default is not None and not isinstance(option, FlagOption):
        return str(option.default)
    match option:
        case FlagOption():
            return "true"
        case IntegerOption():
            return str(option.minimum)
        case _:
            return option.choices[0] if option.choices else "VALUE"


def _written(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _lacks(job_type: JobType) -> str | None:
    """What it needs that is known to be missing here; None: nothing, or its preparations may install it."""
    if job_type.prepare:
        return None
    env = child_environment(job_type.env, os.environ, Path("/nonexistent"))
    return missing_module(job_type.command, Path("/nonexistent"), env)


def _facts(job_type: JobType) -> dict[str, object]:
    return {**job_type.model_dump(mode="json", by_alias=True, exclude_defaults=True), "example": example(job_type)}
