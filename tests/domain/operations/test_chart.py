"""The chart of the last day."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from domain.operations.chart import COLOURS, HEIGHT, MARKS, WIDTH, alternative, height_of, image, svg
from domain.operations.overview import SLOTS, Day, Slot, day_before

NOW = datetime(2026, 11, 23, 21, 17, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def day(*last: Slot, median: timedelta | None = None, worst: timedelta | None = None) -> Day:
    slots = (Slot(),) * (SLOTS - len(last)) + last
    return Day(day_before(NOW), {}, 0, slots, median, worst)


def drawn(shown: Day, kind: str) -> list[ET.Element]:
    found = ET.fromstring(svg(shown))  # noqa: S314  # our own
    return [one for one in found.iter("{http://www.w3.org/2000/svg}rect") if one.get("class") == kind]


LEGEND = 1
"""Each kind of mark is drawn once beside its name."""


def luminance(colour: str) -> float:
    """As https://www.w3.org/TR/WCAG22/#dfn-relative-luminance says."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """As https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio says."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", COLOURS)
def test_everything_stands_out_from_the_card(scheme: str) -> None:
    colours = COLOURS[scheme]
    assert contrast(colours["text"], colours["card"]) >= 4.5
    assert all(contrast(colours[kind], colours["card"]) >= 3 for kind in ("line", "bar", "worst"))


def test_it_is_an_image_that_any_page_can_hold() -> None:
    kind, _, data = image(day()).partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert b64decode(data).decode() == svg(day())


def test_a_day_has_48_slots_that_end_with_now() -> None:
    assert day_before(NOW) == datetime(2026, 11, 22, 21, 30, tzinfo=UTC)
    assert day_before(NOW) + (SLOTS - 1) * timedelta(minutes=30) <= NOW


def test_a_bar_for_each_slot_with_a_pass_and_none_for_one_without() -> None:
    bars = drawn(day(Slot(0), Slot(), Slot(4), Slot(2)), "bar")
    assert len(bars) == LEGEND + 3
    nothing, most, half = (float(one.get("height") or 0) for one in bars if one.get("height") != "10.0")
    assert nothing == 1
    assert most == 2 * half


def test_latency_is_drawn_as_median_and_worst() -> None:
    shown = day(Slot(None, SECOND * 60, timedelta(hours=1)))
    (worst,) = drawn(shown, "worst")[LEGEND:]
    (median,) = drawn(shown, "bar")[LEGEND:]
    assert float(worst.get("y") or 0) < float(median.get("y") or 0)


def test_nothing_is_drawn_outside_of_the_card() -> None:
    shown = day(*[Slot(10**6, timedelta(days=9), timedelta(days=99))] * SLOTS)
    for one in ET.fromstring(svg(shown)).iter("{http://www.w3.org/2000/svg}rect"):  # noqa: S314  # our own
        x, y, width, height = (float(one.get(name) or 0) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + width <= WIDTH
        assert 0 <= y <= y + height <= HEIGHT


def test_the_scale_of_the_latency_begins_and_ends_with_its_marks() -> None:
    assert [height_of(one) for one in (MARKS[0] / 10, MARKS[0], MARKS[-1], MARKS[-1] * 10)] == [0, 0, 1, 1]


def test_its_hours_are_of_two_days_and_midnight_says_which() -> None:
    said = [one.text for one in ET.fromstring(svg(day())).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314  # our own
    assert [word for word in said if word in ("00:00", "06:00", "12:00", "18:00", "11-23")] == [
        "11-23", "06:00", "12:00", "18:00",
    ]  # fmt: skip


def test_the_chart_has_a_text_alternative() -> None:
    shown = day(Slot(4), Slot(9), Slot(2), median=1.34 * SECOND, worst=timedelta(minutes=95))
    assert alternative(shown) == (
        "Undelivered in the last day: at most 9 after 2026-11-23 20:30 UTC, 2 at last. "
        "Half of the outcomes were on GitHub within 1.3 s of their job's end, the slowest took 1 h 35 min."
    )
    assert alternative(day(Slot(0))) == "Undelivered in the last day: at most 0, 0 at last."
    assert "No reconciliation run" in alternative(day())
