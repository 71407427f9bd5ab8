"""Hostile inputs, fields times classes: each ends in an error naming its field, or is harmless. Prints figures.

By default a part of them, with every case that was once handled wrongly; with REPORTBACK_TEST_FULL=1 all of them.
"""

import json
from collections.abc import Iterator
from resource import RUSAGE_SELF, getrusage
from typing import Any

import pytest
from full import FULL
from hostile_checks import Door
from hostile_doors import DOORS, EVENT, LISTED, OLD_JOB, OPTIONS, REFUSAL, TARGET
from hostile_input import Path, fields_of, json_with
from hypothesis import given, settings
from hypothesis import strategies as st

STEP = 1 if FULL else 11
"""Prime to the number of classes, and less: from field to field others are tried, and of each field some."""
MEMORY = 200 * 1024
"""KiB that all of a door's inputs together may add to what this process needed before."""

KEPT = {
    ("settings", "jobs_file", "escape sequences"), ("settings", "jobs_file", "very long"),
    ("settings", "jobs_file", "user info in a URL"), ("settings", "credentials", "key of control characters"),
    ("settings", "credentials", "nested lists"), ("settings", "write_budget", "user info in a URL"),
    ("settings", "write_budget", "very long"), ("settings", "database_url", "lone surrogate"),
    ("target of a flow run", "url", "user info in a URL"), ("options of a flow run", "number", "user info in a URL"),
    ("jobs.toml", "description", "NUL"), ("jobs.toml", "description", "bidi"),
    ("jobs.toml", "command", "nested lists"), ("jobs.toml", "command", "unclosed"),
    ("jobs.toml", "type", "escape sequences"), ("jobs.toml", "type", "very long"),
    ("jobs.toml", "timeout", "user info in a URL"), ("jobs.toml", "pattern", "many blanks"),
    ("GitHub: a list of statuses", "state", "NUL"), ("GitHub: a list of statuses", "context", "NUL"),
}  # fmt: skip
"""Door, field and class of inputs that were once handled wrongly or blocked their reader."""


def chosen(door: Door) -> Iterator[tuple[Path, str, str]]:
    for number, (path, kind, text) in enumerate(door.inputs()):
        if number % STEP == 0 or (path and (door.name, path[-1], kind) in KEPT):
            yield path, kind, text


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_hostile_input_is_refused_by_the_name_of_its_field_or_is_safe(door: Door) -> None:
    before = getrusage(RUSAGE_SELF).ru_maxrss
    wrong, paths, kinds, tried = [], set(), set(), 0
    for path, kind, text in chosen(door):
        tried += 1
        paths.add(path)
        kinds.add(kind)
        if found := door.enter(path, text):
            wrong.append((path, kind, found))
    peak = getrusage(RUSAGE_SELF).ru_maxrss
    more = f"peak {peak // 1024} MiB, {(peak - before) // 1024} of them for these"
    print(f"\n{door.name}: {len(paths)} fields, {len(kinds)} classes, {tried} inputs, wrong {len(wrong)}; {more}")  # noqa: T201  # the figures
    assert wrong == []
    assert peak - before < MEMORY


def test_inputs_once_handled_wrongly_are_still_among_the_inputs() -> None:
    there = {(door.name, path[-1], kind) for door in DOORS for path, kind, _ in door.inputs() if path}
    assert there >= KEPT


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=9), inner, max_size=3)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
ANY = st.recursive(VALUES, containers, max_leaves=8)
DOCUMENTS = {
    "target of a flow run": TARGET, "options of a flow run": OPTIONS, "GitHub: a list of statuses": LISTED,
    "GitHub: a refusal": REFUSAL, "events of GitHub Actions": EVENT, "old job files": OLD_JOB,
}  # fmt: skip


@pytest.mark.parametrize("door", [one for one in DOORS if one.name in DOCUMENTS], ids=lambda door: door.name)
def test_generated_hostile_input_is_refused_or_safe(door: Door) -> None:
    document = DOCUMENTS[door.name]

    @settings(max_examples=2_000 if FULL else 20, database=None)
    @given(st.sampled_from([(), *fields_of(document)]), ANY)
    def holds(path: Path, value: object) -> None:
        assert door.enter(path, json_with(document, path, json.dumps(value))) is None

    holds()
