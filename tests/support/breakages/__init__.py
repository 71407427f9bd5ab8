"""The list of deliberate breakages: each removes one rule of the promise, and names tests that must then fail."""

from breakages.apps import APPS
from breakages.breakage import Breakage
from breakages.check_runs import CHECK_RUNS
from breakages.delivery import DELIVERY
from breakages.github import GITHUB
from breakages.jobs import JOBS
from breakages.operations import OPERATIONS
from breakages.storage import STORAGE

__all__ = ["BREAKAGES", "Breakage"]

BREAKAGES = (*DELIVERY, *CHECK_RUNS, *APPS, *GITHUB, *STORAGE, *JOBS, *OPERATIONS)
