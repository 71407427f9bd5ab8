"""Jobs of one type that ran for one commit and context with other options: on GitHub, one covers the other."""

from sqlmodel import col, select

from domain.delivery.notifications import Covered
from domain.jobs.execution import Sibling, Siblings
from storage import after_commit
from storage.models import Job
from storage.transaction import Transaction

MOST = 50
"""Jobs of a commit and context that are looked at, the newest first."""


def noted_siblings(tx: Transaction, job: Job) -> Siblings:
    """`siblings` of a job that ends now; published, if its outcome covers another or is covered."""
    found = siblings(tx, job)
    if found.words:
        after_commit.add(tx, Covered(job.id, found.words))
    return found


def siblings(tx: Transaction, job: Job) -> Siblings:
    """The nearest jobs before and after *job*, by their turns, whose options are others."""
    if job.target_id is None or job.turn is None:
        return Siblings()
    others = (Job.target_id == job.target_id, Job.type == job.type, Job.id != job.id)
    newest = tx.session.exec(select(Job).where(*others).order_by(col(Job.turn).desc()).limit(MOST))
    found = [one for one in newest if one.turn is not None and dict(one.options) != dict(job.options)]
    before = next((one for one in found if (one.turn or 0) < job.turn), None)
    after = next((one for one in reversed(found) if (one.turn or 0) > job.turn), None)
    return Siblings(_sibling(job, before), _sibling(job, after))


def _sibling(job: Job, other: Job | None) -> Sibling | None:
    if other is None:
        return None
    names = [name for name in {**job.options, **other.options} if job.options.get(name) != other.options.get(name)]
    return Sibling(other.id, other.state, {name: other.options.get(name) for name in names})
