"""What is wrong with a simulated day, and how fast its backlog drained."""

from dataclasses import replace
from datetime import datetime, timedelta

from day import CREDENTIALS, HOUR, INTERVAL, MINUTE, STORM, Day

from domain.delivery.budget import WriteBudget


def earliest(before: list[datetime], count: int, budget: WriteBudget, *, start: datetime) -> list[datetime]:
    """The earliest time at which *count* requests could have left, from *start* on and after those *before* them."""
    windows = ((1, budget.spacing), (budget.per_minute, MINUTE), (budget.per_hour, HOUR))
    sent = list(before)
    for _ in range(count):
        sent.append(max([start, *(sent[-most] + span for most, span in windows if len(sent) >= most)]))
    return sent[len(before) :]


def drain_time(count: int, budget: WriteBudget) -> timedelta:
    """The least time to send *count* reports, if nothing was sent in the hour before.

    In closed form, from the first request to the last: full hours, then full minutes, then the spacing of requests. An
    hour must have room for `per_hour` requests at that spacing; a minute without room for `per_minute` does not bind.
    """
    hours, rest = divmod(count - 1, budget.per_hour)
    per_minute = budget.per_minute if budget.per_minute * budget.spacing <= MINUTE else budget.per_hour
    minutes, last = divmod(rest, per_minute)
    return hours * HOUR + minutes * MINUTE + last * budget.spacing


# What is wrong with a day.


def impatient(day: Day) -> list[str]:
    """Requests made during a pause that GitHub had asked for."""
    found = []
    for name in CREDENTIALS:
        told_at = wait_until = day.began
        for seen in day.requests(name):
            if told_at < seen.at < wait_until:
                found.append(f"{name} asked at {seen.at}, having been told at {told_at} to wait until {wait_until}")
            if seen.answered in (403, 429):
                told_at, wait_until = seen.at, seen.at + _named_wait(day, name, seen.at)
    return found


def _named_wait(day: Day, credential: str, at: datetime) -> timedelta:
    """The pause that GitHub asks for; a minute where it names none."""
    strikes = (trouble for trouble in day.troubles(credential) if trouble.start <= at - day.began < trouble.end)
    seconds = [fault.get("seconds", 60) for trouble in strikes for fault in trouble.faults]
    assert seconds, f"a limit of GitHub's own at {at}: the budget was not kept"
    return timedelta(seconds=float(str(seconds[0])))


def starved(day: Day) -> list[str]:
    """Outcomes that waited longer than their own credential's faults explain."""
    found = []
    for of in day.histories:
        newest = of.newest
        assert newest is not None and newest.delivered_at is not None
        recorded = newest.created_at - day.began
        mine = day.troubles(of.target.credential or "")
        excused = [one.end + one.sequel for one in mine if one.start <= recorded < one.end + one.sequel]
        latest = max([recorded + 2 * INTERVAL, *excused])
        if newest.delivered_at - day.began > latest:
            found.append(f"{of.target.repository}: {recorded} recorded, {newest.delivered_at - day.began} delivered")
    return found


def unbound_by_hour(budget: WriteBudget) -> WriteBudget:
    """The part of *budget* that binds outcomes."""
    return replace(budget, per_hour=10**9)


def drain(day: Day) -> tuple[int, timedelta, timedelta]:
    """The backlog of the storm: number of reports, the time they took, and the least possible time."""
    posts = [seen for seen in day.requests(CREDENTIALS[0]) if seen.method == "POST"]
    after = [seen.at for seen in posts if seen.at > day.began + STORM[1]]
    before = [seen.at for seen in posts if seen.at <= day.began + STORM[1]]
    ideal = earliest(before, len(after), unbound_by_hour(day.size.budget), start=after[0])
    return len(after), after[-1] - after[0], ideal[-1] - after[0]
