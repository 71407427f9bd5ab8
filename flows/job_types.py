"""The job types of this installation, as the form of the deployment shows them: frozen when it is deployed."""

from enum import StrEnum
from typing import TYPE_CHECKING

from domain.job_type import parse_job_types
from settings import Settings

_file = Settings().jobs_file
JOB_TYPES = parse_job_types(_file.read_text(encoding="utf-8"), str(_file))

if TYPE_CHECKING:
    JobName = str
else:
    JobName = StrEnum("JobName", {name: name for name in JOB_TYPES})  # becomes the form's drop-down
