"""Reads the settings and the job types before anything starts, and lists all that is wrong with them."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from console.checks.variables import unknown_variables
from console.problems import problems
from domain.jobs.job_type import JobType
from settings import Settings
from tasks.jobs.read_job_types import read_job_types


class BadInput(ValueError):
    """Settings or job types are wrong, and nothing was started: a line for each mistake."""


def checked_settings() -> Settings:
    """The settings.

    Raises:
        BadInput: one is wrong, or a variable is none.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        raise BadInput("\n".join(problems(error))) from None
    if unknown := unknown_variables(os.environ, settings):
        raise BadInput("\n".join(unknown))
    return settings


def checked_types(
    settings: Settings, file: Path, missing: str = "REPORTBACK_JOBS_FILE names it"
) -> Mapping[str, JobType]:
    """The job types of *file*; *missing* says what to do where there is none.

    Raises:
        BadInput, BadJobsFile: it cannot be used.
    """
    try:
        return read_job_types(settings, file)
    except FileNotFoundError:
        raise BadInput(f"there is no {file}: {missing}") from None
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from None
