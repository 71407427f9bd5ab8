"""The installation's job types as the deployment's form shows them: fixed when it is deployed."""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from domain.jobs.form_text import jobs_in_words, options_in_words
from settings import Settings
from tasks.jobs.read_job_types import read_job_types

JOB_TYPES = read_job_types(Settings())

if TYPE_CHECKING:
    JobName = str
else:
    JobName = StrEnum("JobName", {name: name for name in JOB_TYPES})  # becomes the form's drop-down

F = TypeVar("F", bound=Callable[..., Any])


def described(flow: F) -> F:
    """Fill in {jobs} and {options} in the docstring of *flow*: a deployment's form shows it."""
    types = JOB_TYPES.values()
    words = {"jobs": jobs_in_words(types), "options": options_in_words(types)}
    flow.__doc__ = (flow.__doc__ or "").format_map(words)  # empty under -OO
    return flow
