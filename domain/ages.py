"""Lengths of time as an operator reads them at a glance."""

from datetime import datetime, timedelta

UNITS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)


def span(length: timedelta) -> str:
    """A length of time in its largest whole unit, rounded down: "45 s", "12 min", "3 h", "5 d"."""
    for unit, name in UNITS:
        if length >= unit:
            return f"{length // unit} {name}"
    return "0 s"


def ahead(moment: datetime, now: datetime) -> str:
    """How far off *moment* is: "now" once it has come, else such as "in 4 min"."""
    return "now" if moment <= now else f"in {span(moment - now)}"
