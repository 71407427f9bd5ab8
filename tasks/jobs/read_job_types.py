"""Reads the file that declares job types."""

from pathlib import Path

from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import parse_job_types
from settings import Settings


def read_job_types(settings: Settings, file: Path | None = None) -> dict[str, JobType]:
    """The job types of *file*, else of the file that *settings* name.

    Raises:
        OSError: it cannot be read.
        BadJobsFile: it is not what a file of job types may be.
    """
    path = file or settings.jobs_file
    return parse_job_types(path.read_bytes(), str(path), credentials=settings.credentials.values())
