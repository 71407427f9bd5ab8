"""Checks tokens as the workers have them: each notes a keyed hash in the ledger, to compare with this shell's."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from console.checks.finding import Finding, bad, good
from console.checks.ledger import Facts
from domain.operations.remedies import supply
from domain.units import span
from settings import Settings
from storage.identity import fingerprint_in
from storage.operations.worker_tokens import NOTED_EVERY, Noted
from tasks.operations.note_tokens import NO_WORKER, secrets_of, this_version

RECENT = 2 * NOTED_EVERY
"""The age up to which a note counts whose worker Prefect does not know, or cannot be asked about."""


async def check(settings: Settings, facts: Facts, online: Collection[str] | None) -> list[Finding]:
    """Findings about each worker that is *online*, by Prefect's names. None: Prefect could not be asked."""
    from console.reporter import secrets_in  # noqa: PLC0415  # loads Prefect, which takes seconds

    secrets = await secrets_of(settings, secrets_in(settings))
    shell = {name: None if secret is None else fingerprint_in(facts.ledger, secret) for name, secret in secrets.items()}
    notes = [one for one in facts.notes if _counts(one, online, facts.now)]
    silent = sorted(set(online or ()) - {one.worker for one in notes})
    return [*findings(notes, shell, facts.now), *map(unknown, silent)]


def _counts(one: Noted, online: Collection[str] | None, now: datetime) -> bool:
    if online is None or one.worker.startswith(NO_WORKER):
        return now - one.noted_at <= RECENT
    return one.worker in online


def unknown(worker: str) -> Finding:
    """A worker that is online, and has noted nothing in this ledger."""
    return good(
        f"worker {worker}", "its ledger, version and tokens are not known: it has run nothing in this ledger yet"
    )


def findings(notes: Sequence[Noted], shell: Mapping[str, str | None], now: datetime) -> Iterator[Finding]:
    """For each worker its version, and for each of its credentials whether the token is *shell*'s."""
    versions = {one.worker: one for one in notes}
    for worker, one in versions.items():
        yield version(worker, one, now)
    for one in notes:
        yield token(one, shell.get(one.credential), now, is_named=one.credential in shell)
    for worker in versions:
        for name in sorted(shell.keys() - {one.credential for one in notes if one.worker == worker}):
            yield bad(
                f"worker {worker}",
                f"its REPORTBACK_CREDENTIALS does not name {name}, as this shell's does: make them the same in "
                "/etc/reportback.env, and start the worker anew",
            )


def version(worker: str, one: Noted, now: datetime) -> Finding:
    """Whether the worker runs this version."""
    words = f"runs {one.version} with this ledger, noted {_ago(one, now)}"
    if one.version == this_version():
        return good(f"worker {worker}", words)
    return bad(
        f"worker {worker}",
        f"{words}; here is {this_version()}: upgrade its checkout and its .venv, and start it anew",
    )


def token(one: Noted, here: str | None, now: datetime, *, is_named: bool) -> Finding:
    """Whether the worker has a token that GitHub has not refused, and the one that is *here*."""
    what = f"{one.credential} of worker {one.worker}"
    if not is_named:
        return good(what, "is not in this shell's REPORTBACK_CREDENTIALS, so it is not compared")
    if one.fingerprint is None:
        return bad(what, f"has no token. {supply(one.credential)}")
    if one.refused_until is not None:
        return bad(what, f"GitHub refused the token that it has: renew it on GitHub. {supply(one.credential)}")
    if here is None:
        return good(what, f"has a token, noted {_ago(one, now)}; this shell has none to compare it with")
    if one.fingerprint == here:
        return good(what, f"the same token as this shell's, noted {_ago(one, now)}")
    return bad(
        what,
        f"is not this shell's token, noted {_ago(one, now)}. If the shell's is the right one: {supply(one.credential)}",
    )


def _ago(one: Noted, now: datetime) -> str:
    return f"{span(max(now - one.noted_at, timedelta(0)))} ago"
