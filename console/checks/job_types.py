"""Checks the file of job types, without which no flow can be loaded."""

from collections.abc import Mapping

from console.checks.finding import Finding, bad, good
from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import BadJobsFile
from settings import Settings
from tasks.jobs.read_job_types import read_job_types

WHAT = "job types"


def check(settings: Settings) -> tuple[list[Finding], Mapping[str, JobType] | None]:
    """A finding for each error in it, or how many job types it declares; and these, if it can be read."""
    file = settings.jobs_file
    try:
        found = read_job_types(settings)
    except OSError as error:
        return [bad(WHAT, f"{file} cannot be read: {error.strerror}; REPORTBACK_JOBS_FILE names it")], None
    except BadJobsFile as error:
        return [bad(WHAT, words) for words in str(error).splitlines()], None
    return [good(WHAT, f"{file} declares {len(found)}")], found
