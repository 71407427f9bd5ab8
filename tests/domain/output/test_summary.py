"""The one-line summary of how a command ended, for its status."""

from datetime import timedelta
from signal import SIGKILL, SIGRTMIN, SIGXFSZ

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.output.summary import summarise
from domain.process.ended_by import EndedBy
from domain.text import MAX_DESCRIPTION


@given(st.text(), st.integers(0, 255), st.sampled_from(EndedBy), st.integers(0, 10**5))
def test_a_summary_always_fits_a_description(line: str, code: int, ended_by: EndedBy, seconds: int) -> None:
    span = timedelta(seconds=seconds)
    said = summarise(ended_by, exit_code=code, signal=code, error_line=line, counts=line, elapsed=span, timeout=span)
    assert 0 < len(said) <= MAX_DESCRIPTION
    assert said.isprintable()


@pytest.mark.parametrize(
    ("ended_by", "code", "signal", "said"),
    [
        (EndedBy.EXITED, 0, None, "succeeded in 12 s"),
        (EndedBy.EXITED, 2, None, "exit code 2: Error: no such page"),
        (EndedBy.SIGNAL, None, SIGKILL, "ended by SIGKILL after 12 s"),
        (EndedBy.SIGNAL, None, SIGRTMIN + 1, f"ended by signal {SIGRTMIN + 1} after 12 s"),
        (EndedBy.SIGNAL, None, None, "ended by a signal after 12 s"),
        (EndedBy.SIGNAL, None, SIGXFSZ, "stopped after 12 s: a file larger than its limit"),
        (EndedBy.OUT_OF_MEMORY, 137, None, "out of memory after 12 s: the kernel killed a process"),
        (EndedBy.TIME_LIMIT, None, None, "stopped after its time limit of 5 min"),
        (EndedBy.PROCESS_LIMIT, None, None, "stopped after 12 s: more processes at once than its limit"),
    ],
)
def test_a_summary_says_how_it_ended(ended_by: EndedBy, code: int | None, signal: int | None, said: str) -> None:
    assert summary(ended_by, exit_code=code, signal=signal, error_line="Error: no such page") == said


def summary(
    ended_by: EndedBy,
    *,
    exit_code: int | None = None,
    signal: int | None = None,
    error_line: str = "",
    counts: str = "",
) -> str:
    return summarise(
        ended_by,
        exit_code=exit_code,
        signal=signal,
        error_line=error_line,
        counts=counts,
        elapsed=timedelta(seconds=12),
        timeout=timedelta(minutes=5),
        success_codes=(0, 3),
    )


def test_a_summary_says_what_was_done() -> None:
    assert summary(EndedBy.EXITED, exit_code=3) == "succeeded in 12 s, exit code 3"
    done = "3 warnings, 41 pages"
    assert summary(EndedBy.EXITED, exit_code=0, counts=done) == "succeeded in 12 s: 3 warnings, 41 pages"
    assert summary(EndedBy.EXITED, exit_code=3, counts=done) == "succeeded in 12 s, exit code 3: 3 warnings, 41 pages"
    assert summary(EndedBy.TIME_LIMIT, counts=done) == "stopped after its time limit of 5 min: 3 warnings, 41 pages"
    assert summary(EndedBy.EXITED, exit_code=1, counts=done, error_line="Error: x") == "exit code 1: Error: x"


def test_of_a_long_chain_of_causes_the_first_and_the_last_are_shown() -> None:
    chain = f'ERROR error building site: render: failed: {"x" * 100}: "a.md:1:3": no shortcode "note"'
    said = summary(EndedBy.EXITED, exit_code=1, error_line=chain)
    assert said == 'exit code 1: ERROR error building site: … "a.md:1:3": no shortcode "note"'


def test_of_what_a_long_chain_leaves_out_the_first_words_are_shown_where_there_is_room() -> None:
    chain = (
        "ERROR - mkdocstrings: Couldn't load inventory https://docs.python.org/3/objects.inv through handler 'python'"
        ": <urlopen error [Errno -2] Name or service not known>"
    )
    said = summary(EndedBy.EXITED, exit_code=1, error_line=chain)
    begun = "exit code 1: ERROR - mkdocstrings: Couldn't load inventory"
    assert said == f"{begun} … <urlopen error [Errno -2] Name or service not known>"


def test_a_long_last_cause_is_cut_at_its_end() -> None:
    said = summary(EndedBy.EXITED, exit_code=1, error_line=f"Error: page a: {'x' * 200}")
    assert said.startswith("exit code 1: Error: page a: xxx")
