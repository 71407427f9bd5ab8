"""`reportback doctor` recognises a Prefect server that a stored text has stopped, and prints the remedy."""

import json
import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from console.checks.prefect import REMEDY, WITH_HALF_A_PAIR

PIECES = ["\ud83d", "\ude00", "\ud800", "\udfff", "\U0001f600", "\\", "\\ud83d", "\\ude00", '"', "\n", "é", *"du8af "]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def holds_half_a_pair(stored: str) -> bool:
    """What Python itself makes of the JSON."""
    try:
        json.dumps(json.loads(stored), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


@given(st.lists(st.one_of(TEXTS.map(lambda text: {"name": text}), TEXTS.map(lambda text: {text: [1]})), max_size=5))
def test_the_statement_finds_what_holds_half_a_pair_and_nothing_else(given_parameters: list[dict[str, object]]) -> None:
    stored = [json.dumps(one) for one in given_parameters]
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE flow_run (id INTEGER PRIMARY KEY, parameters)")
        database.executemany("INSERT INTO flow_run VALUES (?, ?)", enumerate(stored))
        found = {number for (number,) in database.execute(WITH_HALF_A_PAIR)}
        assert found == {number for number, text in enumerate(stored) if holds_half_a_pair(text)}
        database.executescript(REMEDY)
        assert database.execute("SELECT count(*) FROM flow_run").fetchone() == (len(stored) - len(found),)
