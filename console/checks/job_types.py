"""Checks the file of job types, without which no flow can be loaded."""

from console.checks.finding import Finding, bad, good
from domain.jobs.jobs_file import BadJobsFile
from settings import Settings
from tasks.jobs.read_job_types import read_job_types

WHAT = "job types"


def check(settings: Settings) -> tuple[list[Finding], list[str] | None]:
    """A finding for each error in it, or how many job types it declares; and their names, if it can be read."""
    file = settings.jobs_file
    try:
        found = read_job_types(settings)
    except OSError as error:
        return [bad(WHAT, f"{file} cannot be read: {error.strerror}; REPORTBACK_JOBS_FILE names it")], None
    except BadJobsFile as error:
        return [bad(WHAT, words) for words in str(error).splitlines()], None
    return [good(WHAT, f"{file} declares {len(found)}")], list(found)
