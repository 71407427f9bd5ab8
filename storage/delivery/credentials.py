"""Stores what GitHub's answers say about a credential: pauses and rate limits, shared by all of its senders."""

from datetime import datetime, timedelta

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.notifications import Paused
from domain.delivery.outcome import NoToken, NotSent, Read, Reason, Sent, Throttled, Unknown, is_from_github
from domain.delivery.policy import pause
from storage import after_commit
from storage.delivery import pauses
from storage.delivery.pauses import CLEARED, is_for_a_limit, is_probe
from storage.dialect import insert_ignore
from storage.models import Credential

Values = dict[str, object]
"""Columns to update in the credential's row."""


async def ensure(session: AsyncSession, name: str) -> None:
    """Insert the credential's row unless it exists; if it does, this waits for no transaction that changes it."""
    if (await session.exec(select(Credential.name).where(Credential.name == name))).one_or_none() is None:
        await insert_ignore(session, Credential, ("name",), {"name": name})


async def locked(session: AsyncSession, name: str) -> Credential:
    """The credential's row, locked: decisions whether a request may be sent are made one at a time."""
    statement = select(Credential).where(Credential.name == name).with_for_update(key_share=True)
    return (await session.exec(statement, execution_options={"populate_existing": True})).one()


async def apply_answer(
    session: AsyncSession, credential: Credential, seen: Sent | Read, *,
    secret: str | None, probe_until: datetime | None, now: datetime,
) -> None:  # fmt: skip
    """Update the credential's pauses and rate limit from an answer. The row is locked.

    Ignored: an answer that is not GitHub's, or that broke off and names no GitHub request. *secret*: hash of the
    sender's secret. *probe_until*: set if the sender is the half-open probe, until when.
    """
    outcome, exchange = seen.outcome, seen.exchange
    has_answer = exchange.request_id is not None or not isinstance(outcome, NotSent | NoToken | Unknown)
    is_answer = has_answer and is_from_github(outcome)
    if isinstance(outcome, Throttled) and outcome.reason is Reason.BAD_CREDENTIALS:
        values = await _refused(session, credential, secret or "", probe_until=probe_until, now=now)
    elif isinstance(outcome, Throttled):
        await _unanswered(session, credential, secret, probe_until=probe_until, now=now)
        values = _limited(session, credential, outcome, answers_pause=is_probe(credential, probe_until), now=now)
    elif is_answer:
        values = await _accepted(session, credential, secret, probe_until=probe_until, now=now)
    else:
        await pauses.move_probe(
            session, await pauses.binding(session, credential, secret, now=now), probe_until, until=now
        )
        values = {}
    if is_answer and (rate := exchange.rate_limit) is not None:
        values |= {"rate_limit": rate.limit, "rate_remaining": rate.remaining, "rate_reset_at": rate.reset_at}
    if is_answer and exchange.github_time is not None:
        values |= {"github_time": exchange.github_time}
    if values:
        await session.exec(update(Credential).where(col(Credential.name) == credential.name).values(**values))


async def _refused(
    session: AsyncSession, credential: Credential, secret: str, *, probe_until: datetime | None, now: datetime
) -> Values:
    """Pause the secret after a 401; the credential's row shows it to operators, unless it shows a limit."""
    before = await pauses.refusal(session, credential, secret, now=now)
    if before is not None and not is_probe(before, probe_until):
        return {}  # the answer to an earlier request: the secret pauses already
    until = await pauses.refuse(session, credential, secret, before=before, now=now)
    after_commit.add(session, Paused(credential.name, until, Reason.BAD_CREDENTIALS))
    if is_for_a_limit(credential):
        return {"paused_until": now} if is_probe(credential, probe_until) else {}  # says nothing about the limit
    return {"paused_until": until, "pause_seconds": None, "pause_reason": Reason.BAD_CREDENTIALS}


async def _accepted(
    session: AsyncSession, credential: Credential, secret: str | None, *, probe_until: datetime | None, now: datetime
) -> Values:
    """End the pauses whose probe GitHub has accepted; a pause of other secrets is no longer shown."""
    refused = await pauses.refusal(session, credential, secret or "", now=now)
    if refused is not None and is_probe(refused, probe_until):
        await pauses.accept(session, refused)
        refused = None
    is_over = is_probe(credential, probe_until) if is_for_a_limit(credential) else refused is None
    return dict(CLEARED) if is_over and credential.paused_until is not None else {}


async def _unanswered(
    session: AsyncSession, credential: Credential, secret: str | None, *, probe_until: datetime | None, now: datetime
) -> None:
    """Allow the next probe of the secret: a limit says nothing about it."""
    refused = await pauses.refusal(session, credential, secret or "", now=now)
    if refused is not None:
        await pauses.move_probe(session, [refused], probe_until, until=now)


def _limited(
    session: AsyncSession, credential: Credential, outcome: Throttled, *, answers_pause: bool, now: datetime
) -> Values:
    """Begin or double a pause, and publish it; an answer to an earlier request can only prolong it."""
    if not is_for_a_limit(credential):
        previous = None
    elif answers_pause:
        previous = None if credential.pause_seconds is None else timedelta(seconds=credential.pause_seconds)
    else:
        named = now + pause(outcome.until, None, now=now) if outcome.until else now
        return {"paused_until": max(named, credential.paused_until or named)}
    wait = pause(outcome.until, previous, now=now)
    after_commit.add(session, Paused(credential.name, now + wait, outcome.reason))
    return {"paused_until": now + wait, "pause_seconds": round(wait.total_seconds()), "pause_reason": outcome.reason}
