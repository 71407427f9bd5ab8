"""Draws the last day as an SVG image: the backlog, and the latency of outcomes to GitHub.

Prefect shows Markdown. Only an image works in both of its UIs, light and dark, on phones and desktops: both drop inline
SVG; one shows the source of a Mermaid chart, the other draws it in light yellow, with letters of a few pixels on a
phone; bars of characters have gaps, and a day of them scrolls there. An SVG in a data URI is scaled to the available
width. It has its own background, so that it is legible on any page.
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import log
from operator import itemgetter
from xml.sax.saxutils import escape

from domain.operations.overview import SLOT, SLOTS, Day
from domain.units import in_words, span

WIDTH, HEIGHT = 480, 292
LEFT, RIGHT = 52, 468
TALL = 76
"""Height of a panel in pixels."""
BACKLOG_BASE, LATENCY_BASE = 118, 242
STEP = (RIGHT - LEFT) / SLOTS
BAR = 6
LEAST = 2
"""Minimum height in pixels of anything above zero, so that it is visible."""

COLOURS = {
    "light": {"card": "#ffffff", "text": "#1f2937", "line": "#6b7280", "bar": "#0b5394", "worst": "#9a3412"},
    "dark": {"card": "#16181d", "text": "#f3f4f6", "line": "#9ca3af", "bar": "#8ab8f0", "worst": "#fdba74"},
}
"""Contrast to the card: at least 4.5:1 for text, 3:1 for the rest."""

MARKS = (timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))
"""The scale of the latency is logarithmic, from the first to the last."""


def image(day: Day) -> str:
    """The chart as a data URI."""
    return f"data:image/svg+xml;base64,{b64encode(svg(day).encode()).decode()}"


def svg(day: Day) -> str:
    """The chart as SVG, dark if the browser prefers dark colours."""
    parts = [_rules("light"), f"@media (prefers-color-scheme: dark) {{ {_rules('dark')} }}"]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f"<style>{' '.join(parts)}</style>"
        f'<rect class="card" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
        f"{''.join([*_backlog(day), *_latency(day), *_hours(day.since)])}</svg>"
    )


def _rules(scheme: str) -> str:
    colour = COLOURS[scheme]
    return (
        f".card {{ fill: {colour['card']} }} text {{ fill: {colour['text']}; font: 14px system-ui, sans-serif }} "
        f".end {{ text-anchor: end }} .middle {{ text-anchor: middle }} "
        f".bar {{ fill: {colour['bar']} }} .worst {{ fill: {colour['worst']} }} .line {{ fill: {colour['line']} }}"
    )


def _backlog(day: Day) -> Iterator[str]:
    most = max((slot.undelivered or 0 for slot in day.slots), default=0)
    yield _text(12, 24, "Undelivered")
    yield from _axis(BACKLOG_BASE, {0.0: "0", 1.0: f"{most:,}"} if most else {0.0: "0"})
    for number, slot in enumerate(day.slots):
        if slot.undelivered is not None:
            yield _bar(number, BACKLOG_BASE, slot.undelivered / most if most else 0)


def _latency(day: Day) -> Iterator[str]:
    yield _text(12, 148, "Job's end to GitHub:")
    yield _rect("bar", 170, 138, BAR, 10) + _text(181, 148, "median")
    yield _rect("worst", 246, 142, BAR, 3) + _text(257, 148, "worst")
    yield from _axis(LATENCY_BASE, {height_of(mark): span(mark) for mark in MARKS})
    for number, slot in enumerate(day.slots):
        if slot.median is not None:
            yield _bar(number, LATENCY_BASE, height_of(slot.median))
        if slot.worst is not None:
            yield _rect("worst", _x(number), LATENCY_BASE - max(LEAST, height_of(slot.worst) * TALL) - 1, BAR, 3)


def height_of(took: timedelta) -> float:
    """Position of *took* on the scale of `MARKS`, from 0 to 1."""
    first, last = MARKS[0], MARKS[-1]
    return log(min(max(took, first), last) / first) / log(last / first)


def _axis(base: int, marks: dict[float, str]) -> Iterator[str]:
    for height, words in marks.items():
        y = base - height * TALL
        yield _rect("line", LEFT, y, RIGHT - LEFT, 0.5) + _text(LEFT - 6, y + 5, words, "end")


def _hours(since: datetime) -> Iterator[str]:
    for number in range(SLOTS):
        begins = since + number * SLOT
        if begins.minute == 0 and begins.hour % 6 == 0:
            yield _rect("line", _x(number), LATENCY_BASE, 1, 5) + _text(
                _x(number), LATENCY_BASE + 20, f"{begins:%H:%M}" if begins.hour else f"{begins:%m-%d}", "middle"
            )
    yield _text(RIGHT, HEIGHT - 10, "UTC, half an hour each", "end")


def _bar(number: int, base: int, height: float) -> str:
    tall = max(LEAST if height else 1, height * TALL)
    return _rect("bar", _x(number), base - tall, BAR, tall)


def _x(number: int) -> float:
    return LEFT + number * STEP + (STEP - BAR) / 2


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:g}" height="{height:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def alternative(day: Day) -> str:
    """Alternative text of the chart."""
    known = {number: slot.undelivered for number, slot in enumerate(day.slots) if slot.undelivered is not None}
    if not known:
        return "No reconciliation run ended in the last day."
    at, most = max(known.items(), key=itemgetter(1))
    when = f" after {day.since + at * SLOT:%Y-%m-%d %H:%M} UTC" if most else ""
    last = known[max(known)]
    return f"Undelivered in the last day: at most {most:,}{when}, {last:,} at last. {latency(day)}".rstrip()


def latency(day: Day) -> str:
    """The latency of outcomes from their job's end to GitHub, as a sentence; empty without any."""
    if day.median is None or day.worst is None:
        return ""
    half, last = in_words(day.median), in_words(day.worst)
    return f"Half of the outcomes were on GitHub within {half} of their job's end, the slowest took {last}."
