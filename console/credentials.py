"""The commands `reportback credentials` and `reportback credentials resume`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from cyclopts import App
from rich.table import Table

from console.arguments import Json
from console.ledger import opened, os_user
from console.terminal import log_line, plain, results, say, table, write_json
from domain.delivery.budget import WriteBudget
from domain.units import ahead
from github_api.credentials import configured
from settings import Settings
from storage.delivery import pauses
from storage.delivery.credentials import locked
from storage.operations.credential_usage import CredentialUsage, usages
from storage.transaction import Transaction, timed

app = App(name="credentials")


@app.default
async def credentials(*, as_json: Json = False) -> None:
    """Show the state of each credential: pauses, GitHub's rate limit, requests against the write budget.

    Args:
        as_json: Print a JSON array, for programs.
    """
    settings = Settings()
    async with opened(settings) as ledger:
        known, now = await ledger.read(timed, usages)
    named = configured(settings.credentials)
    unused = [CredentialUsage(name) for name in named if name not in {one.name for one in known}]
    every = sorted([*known, *unused], key=lambda one: one.name)
    if as_json:
        write_json([fields(one, named, settings.write_budget) for one in every])
    else:
        results().print(rows(every, named, settings.write_budget, now))


@app.command
async def resume(name: str, /) -> None:
    """End all pauses of a credential now: GitHub's limit is known to be over, or the refused token is valid again.

    A renewed token needs no command. If GitHub still refuses, the credential is paused anew. A line on stderr names
    the user, as information, not authentication.

    Args:
        name: As `reportback credentials` lists it, such as env:REPORTBACK_GITHUB_TOKEN.

    Raises:
        ValueError: the ledger knows no such credential.
    """
    settings, actor = Settings(), os_user()
    async with opened(settings, actor, publish=lambda notification: say(log_line(notification))) as ledger:
        await ledger.write(_resume, name, settings)
    results().print(plain(f"{name} goes on with the next try: its pauses were ended by {actor}"))


def _resume(tx: Transaction, name: str, settings: Settings) -> None:
    known = [one.name for one in usages(tx)]
    if name not in known:
        every = sorted({*known, *configured(settings.credentials)})
        unused = "it has not been used yet, and pauses for nothing" if name in every else "there is none"
        raise ValueError(f"credential {name}: {unused}; credentials: {', '.join(every)}")
    pauses.resume(tx, locked(tx, name))


def fields(one: CredentialUsage, named: Collection[str], budget: WriteBudget | None) -> Mapping[str, object]:
    """A credential as `--json` gives it. The names stay; further ones may come."""
    return {
        "credential": one.name, "configured": one.name in named,
        "paused_until": one.paused_until, "pause_reason": one.pause_reason,
        "rate_limit": one.rate_limit, "rate_remaining": one.rate_remaining, "rate_reset_at": one.rate_reset_at,
        "posts_last_minute": one.posts_last_minute, "budget_per_minute": budget.per_minute if budget else None,
        "posts_last_hour": one.posts_last_hour, "budget_per_hour": budget.per_hour if budget else None,
        "undelivered": one.undelivered,
    }  # fmt: skip


def rows(every: Sequence[CredentialUsage], named: Collection[str], budget: WriteBudget | None, now: datetime) -> Table:
    """The credentials for a person."""
    made = table("credential", "pauses", "left at GitHub", "posts/min", "posts/h", "undelivered")
    for one in every:
        name = one.name if one.name in named else f"{one.name} (not in the settings)"
        minute = _of(one.posts_last_minute, budget.per_minute if budget else None)
        hour = _of(one.posts_last_hour, budget.per_hour if budget else None)
        made.add_row(*map(plain, (name, pause(one, now), rate(one, now), minute, hour, one.undelivered)))
    return made


def pause(one: CredentialUsage, now: datetime) -> str:
    """Whether it is paused, until when, and why."""
    if one.paused_until is None:
        return "no"
    if one.paused_until <= now:
        return f"{one.pause_reason}: over; the next request decides"
    return f"{one.pause_reason}: until {one.paused_until:%H:%M:%S} UTC, {ahead(one.paused_until, now)}"


def rate(one: CredentialUsage, now: datetime) -> str:
    """What is left of GitHub's hourly limit, by its last answer."""
    if one.rate_limit is None or one.rate_reset_at is None:
        return "not known"
    if one.rate_reset_at <= now:
        return f"{one.rate_limit} of {one.rate_limit}"
    return f"{one.rate_remaining} of {one.rate_limit}, anew {ahead(one.rate_reset_at, now)}"


def _of(count: int, most: int | None) -> str:
    return str(count) if most is None else f"{count} of {most}"
