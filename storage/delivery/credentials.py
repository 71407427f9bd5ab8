"""Stores what GitHub's answers say about a credential: pauses and rate limits, shared by all of its senders."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlmodel import and_, col

from domain.delivery.notifications import Paused
from domain.delivery.outcome import (
    NoToken,
    NotSent,
    Read,
    ReadRuns,
    Reason,
    Sent,
    StaleToken,
    Throttled,
    Unknown,
    is_from_github,
)
from domain.delivery.policy import pause
from storage import after_commit
from storage.delivery import pauses
from storage.delivery.pauses import CLEARED, is_for_a_limit, is_probe
from storage.dialect import insert
from storage.models import Credential, StatusTarget
from storage.transaction import Transaction, table_of

Values = dict[str, object]
"""Columns to update in the credential's row."""

CREDENTIALS = table_of(Credential)
NAMED = col(Credential.name) == bindparam("credential")
IS_THERE = select(CREDENTIALS.c.name).where(NAMED)
ENSURE = insert(Credential, "name", on_conflict="(name) DO NOTHING")
ROW = select(CREDENTIALS).with_for_update(key_share=True, of=CREDENTIALS)
LOCK = ROW.where(NAMED)
ITS = and_(col(StatusTarget.id) == bindparam("target_id"), col(StatusTarget.credential) == col(Credential.name))
LOCK_ITS = ROW.join(table_of(StatusTarget), ITS)
ANSWERED = update(CREDENTIALS).where(NAMED)


def ensure(tx: Transaction, name: str) -> None:
    """Insert the credential's row unless it exists; if it does, this waits for no transaction that changes it."""
    if tx.execute(IS_THERE, credential=name).one_or_none() is None:
        tx.execute(ENSURE, name=name)


def locked(tx: Transaction, name: str) -> Credential:
    """The credential's row, locked: decisions whether a request may be sent are made one at a time."""
    return tx.one(Credential, LOCK, credential=name)


def locked_of(tx: Transaction, target_id: int) -> Credential:
    """`locked`, of the credential that the target's current report names."""
    return tx.one(Credential, LOCK_ITS, target_id=target_id)


def apply_answer(
    tx: Transaction,
    credential: Credential,
    seen: Sent | Read | ReadRuns,
    *,
    secret: str | None,
    probe_until: datetime | None,
) -> None:
    """Update the credential's pauses and rate limit from an answer. The row is locked.

    Ignored: an answer that is not GitHub's, or that broke off and names no GitHub request. *secret*: hash of the
    sender's secret. *probe_until*: set if the sender is the half-open probe, until when.
    """
    outcome, exchange = seen.outcome, seen.exchange
    has_answer = exchange.request_id is not None or not isinstance(outcome, NotSent | NoToken | Unknown)
    is_answer = has_answer and is_from_github(outcome) and not isinstance(outcome, NoToken | StaleToken)
    if isinstance(outcome, Throttled) and outcome.reason is Reason.BAD_CREDENTIALS:
        values = _refused(tx, credential, secret or "", probe_until=probe_until)
    elif isinstance(outcome, Throttled):
        _unanswered(tx, credential, secret, probe_until=probe_until)
        values = _limited(tx, credential, outcome, answers_pause=is_probe(credential, probe_until))
    elif is_answer:
        values = _accepted(tx, credential, secret, probe_until=probe_until)
    else:
        pauses.move_probe(tx, pauses.binding(tx, credential, secret), probe_until, until=tx.now)
        values = {}
    if is_answer and (rate := exchange.rate_limit) is not None:
        values |= {"rate_limit": rate.limit, "rate_remaining": rate.remaining, "rate_reset_at": rate.reset_at}
    if is_answer and exchange.github_time is not None:
        values |= {"github_time": exchange.github_time}
    if values:
        tx.execute(ANSWERED, credential=credential.name, **values)


def _refused(tx: Transaction, credential: Credential, secret: str, *, probe_until: datetime | None) -> Values:
    """Pause the secret after a 401; the credential's row shows it to operators, unless it shows a limit."""
    before = pauses.refusal(tx, credential, secret)
    if before is not None and not is_probe(before, probe_until):
        return {}  # the answer to an earlier request: the secret pauses already
    until = pauses.refuse(tx, credential, secret, before=before)
    after_commit.add(tx, Paused(credential.name, until, Reason.BAD_CREDENTIALS))
    if is_for_a_limit(credential):
        return {"paused_until": tx.now} if is_probe(credential, probe_until) else {}  # says nothing about the limit
    return {"paused_until": until, "pause_seconds": None, "pause_reason": Reason.BAD_CREDENTIALS}


def _accepted(tx: Transaction, credential: Credential, secret: str | None, *, probe_until: datetime | None) -> Values:
    """End the pauses whose probe GitHub has accepted; a pause of other secrets is no longer shown."""
    refused = pauses.refusal(tx, credential, secret or "")
    if refused is not None and is_probe(refused, probe_until):
        pauses.accept(tx, refused)
        refused = None
    is_over = is_probe(credential, probe_until) if is_for_a_limit(credential) else refused is None
    return dict(CLEARED) if is_over and credential.paused_until is not None else {}


def _unanswered(tx: Transaction, credential: Credential, secret: str | None, *, probe_until: datetime | None) -> None:
    """Allow the next probe of the secret: a limit says nothing about it."""
    refused = pauses.refusal(tx, credential, secret or "")
    if refused is not None:
        pauses.move_probe(tx, [refused], probe_until, until=tx.now)


def _limited(tx: Transaction, credential: Credential, outcome: Throttled, *, answers_pause: bool) -> Values:
    """Begin or double a pause, and publish it; an answer to an earlier request can only prolong it."""
    if not is_for_a_limit(credential):
        previous = None
    elif answers_pause:
        previous = None if credential.pause_seconds is None else timedelta(seconds=credential.pause_seconds)
    else:
        named = tx.now + pause(outcome.until, None, now=tx.now) if outcome.until else tx.now
        return {"paused_until": max(named, credential.paused_until or named)}
    wait = pause(outcome.until, previous, now=tx.now)
    after_commit.add(tx, Paused(credential.name, tx.now + wait, outcome.reason))
    return {"paused_until": tx.now + wait, "pause_seconds": round(wait.total_seconds()), "pause_reason": outcome.reason}
