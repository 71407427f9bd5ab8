"""Describes job types and their options for the form of the docs-job flow."""

import json
from collections.abc import Iterable

from domain.jobs.job_type import JobType
from domain.jobs.options import Option
from domain.text import one_line


def jobs_in_words(job_types: Iterable[JobType]) -> str:
    """All job types with their descriptions."""
    return " ".join(f"{one.name}: {one_line(one.description) or 'not described.'}" for one in job_types)


def options_in_words(job_types: Iterable[JobType]) -> str:
    """The options of all job types with their allowed values, and an example."""
    types = tuple(job_types)
    return " ".join([*(f"{one.name}: {_options(one)}." for one in types), *_example(types)])


def _options(job_type: JobType) -> str:
    return ", ".join(map(_option, job_type.options, job_type.options.values())) or "none"


def _option(name: str, option: Option) -> str:
    return f"{name} ({'required, ' if option.required else ''}{option.allowed})"


def _example(types: Iterable[JobType]) -> list[str]:
    for one in types:
        if given := {name: option.default for name, option in one.options.items() if option.default is not None}:
            return [f"For {one.name}, such as {json.dumps(given)}."]
    return []
