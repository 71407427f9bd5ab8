"""Parses and formats durations and sizes, as in jobs.toml and in messages."""

import re
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from domain.text import quoted

LONGEST_TIMEOUT = timedelta(hours=2)

SPAN = re.compile(
    r"(?:(?P<days>\d{1,5})d)?(?:(?P<hours>\d{1,5})h)?(?:(?P<minutes>\d{1,6})m)?(?:(?P<seconds>\d{1,8})s)?"
)
SIZE = re.compile(r"(?P<number>\d{1,9})(?P<unit>[KMGT]?)")
SIZE_UNITS = {unit: 1024**power for power, unit in enumerate(("", "K", "M", "G", "T"))}
LARGEST = 2**53
AGE_UNITS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)


def written_span(text: str) -> timedelta | None:
    """A duration written as "90s", "5m", "1h30m" or "30d". None: it is written otherwise."""
    if not text or (parts := SPAN.fullmatch(text)) is None:
        return None
    return timedelta(**{unit: int(number) for unit, number in parts.groupdict("0").items()})


def _span(value: object) -> timedelta:
    written = written_span(value) if isinstance(value, str) else None
    seconds = value if written is None else written.total_seconds()
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        if 0 < seconds <= LONGEST_TIMEOUT.total_seconds():
            return timedelta(seconds=seconds)
        raise ValueError(f"{quoted(value)} is out of bounds; allowed: more than 0 and at most 2h")
    raise ValueError(f'{quoted(value)} is no time limit; allowed: seconds, or a text such as "90s", "5m" or "1h30m"')


def size(value: object) -> int:
    """Bytes, written as such or as "512K", "64M", "2G" or "1T", in powers of 1024. Raises ValueError."""
    number = value
    if isinstance(value, str) and (parts := SIZE.fullmatch(value)):
        number = int(parts["number"]) * SIZE_UNITS[parts["unit"]]
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= LARGEST:
        return number
    raise ValueError(f'{quoted(value)} is no size; allowed: bytes, or a text such as "512K", "64M" or "2G"')


def size_in_words(number: int) -> str:
    """Bytes in the notation of jobs.toml, rounded: "512", "1.5K", "64M"."""
    power = min(max(number.bit_length() - 1, 0) // 10, len(SIZE_UNITS) - 1)
    return f"{number / 1024**power:.4g}{list(SIZE_UNITS)[power]}"


TimeLimit = Annotated[
    timedelta,
    BeforeValidator(_span),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": 7200},
                {"type": "string", "pattern": "^[0-9]+[hms]"},
            ]
        }
    ),
]
"""More than nothing, and at most two hours."""

Size = Annotated[
    int,
    BeforeValidator(size),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]{1,9}[KMGT]?$"}]}
    ),
]
"""Bytes, at least one."""


def in_words(span: timedelta) -> str:
    """*span* in words: "0.4 s", "12 s", "5 min", "1 min 5 s", "2 h"; tenths of seconds below ten seconds."""
    if span < timedelta(seconds=10):
        return f"{round(span.total_seconds(), 1):g} s"
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (seconds, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def span(length: timedelta) -> str:
    """A duration in its largest whole unit, rounded down: "45 s", "12 min", "3 h", "5 d"."""
    for unit, name in AGE_UNITS:
        if length >= unit:
            return f"{length // unit} {name}"
    return "0 s"


def ahead(moment: datetime, now: datetime) -> str:
    """Time until *moment*, such as "in 4 min"; "now" once it has come."""
    return "now" if moment <= now else f"in {span(moment - now)}"
