"""What the world may read."""

from datetime import timedelta
from signal import SIGKILL, SIGRTMIN, SIGXFSZ

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.jobs.job import JobState
from domain.output.summary import LONGEST_PIECE, EndedBy, in_words, public, state_after, summarise, telling_line
from domain.text import MAX_DESCRIPTION

GHS = "ghs_" + "12345_eyJ0eXAi.eyJpc3Mi-" * 20
ROOT = "/var/tmp/reportback-x/copy"  # noqa: S108 - a text; nothing is made there


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("token ghp_" + "a" * 36, "token ***"),
        (f"remote: {GHS}!", "remote: ***!"),
        ("github_pat_" + "a1_" * 20, "***"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("> authorization: Basic dXNlcjpw", "> authorization: ***"),
        ("{'Authorization': 'token xyz'}", "{'Authorization': '***'}"),
        ("curl -H bearer abcdefghij", "curl -H bearer ***"),
        ("https://me:p@ss@github.com/a/b.git", "https://***@github.com/a/b.git"),
        ("https://x-access-token@github.com/a", "https://***@github.com/a"),
        ("GET https://x.org/a?token=abc&page=2", "GET https://x.org/a?token=***&page=2"),
    ],
)
def test_credentials_are_hidden_by_their_shape(text: str, shown: str) -> None:
    assert public(text) == shown


def test_secrets_are_hidden_by_their_value_and_line_by_line() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n}\n"
    assert (
        public("hunter22 and hunter2, MIIEvQIBADANBg }", secrets=["hunter2", "hunter22", key, ""])
        == "*** and ***, *** }"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{ROOT}/docs/index.md:3: bad", "docs/index.md:3: bad"),
        (f"cd {ROOT}", "cd ."),
        (f"cd {ROOT}/; file://{ROOT}/a", "cd .; a"),
        (f"{ROOT}2/a", "…/a"),
        ('File "/home/me/my files/x.py", line 3', 'File "…/x.py", line 3'),
        ("WARNING:/home/me/x.md:3", "WARNING:…/x.md:3"),
        ("fatal: file:///srv/git/a.git not found", "fatal: …/a.git not found"),
        ("PATH=/usr/bin:/opt/bin", "PATH=…/bin:…/bin"),
        ("cc -I/usr/include/x", "cc -I…/x"),
        ("-L/usr/lib //net/share/x", "-L…/lib …/x"),
        ("see https://x.org/a/b and docs/a/b, 5/10, and/or ./a ../b </div> /", None),
    ],
)
def test_no_path_of_this_machine_is_told(text: str, shown: str | None) -> None:
    assert public(text, roots=["/", "", f"{ROOT}/"]) == (text if shown is None else shown)


@pytest.mark.parametrize("length", [LONGEST_PIECE, LONGEST_PIECE + 1, 2500, 5 * LONGEST_PIECE - 1])
def test_a_secret_that_is_looked_for_in_pieces_is_hidden_whole(length: int) -> None:
    secret = "".join(f"{number}." for number in range(length))[:length]
    assert public(f"x {secret} y", secrets=[secret]) == "x *** y"


def test_of_two_secrets_that_overlap_nothing_is_left() -> None:
    assert public("x abcdefghijkl y", secrets=["abcdefgh", "efghijkl"]) == "x *** y"
    assert public("x abababababab y", secrets=["abababab"]) == "x *** y"


SECRETS = st.text(alphabet="abcXYZ019_/+.-", min_size=8, max_size=30)


@given(st.text(), SECRETS, st.text())
def test_no_secret_survives_whatever_surrounds_it(before: str, secret: str, after: str) -> None:
    assert secret not in public(before + secret + after, secrets=[secret], roots=["/abc"])


NO_PATH = st.text(st.characters(exclude_characters="/"))


@given(NO_PATH, st.sampled_from(["", "/", "/a.md", "//a b", ": "]), NO_PATH)
def test_no_root_survives_whatever_surrounds_it(before: str, end: str, after: str) -> None:
    assert "/srv/x/" not in public(f"{before}/srv/x{end}{after}", roots=["/srv/x"])


@given(st.text(), st.integers(0, 255), st.sampled_from(EndedBy), st.integers(0, 10**5))
def test_a_summary_always_fits_a_description(line: str, code: int, ended_by: EndedBy, seconds: int) -> None:
    span = timedelta(seconds=seconds)
    said = summarise(ended_by, exit_code=code, signal=code, telling=line, counts=line, elapsed=span, timeout=span)
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
        (EndedBy.TIME_LIMIT, None, None, "stopped after its time limit of 5 min"),
        (EndedBy.PROCESS_LIMIT, None, None, "stopped after 12 s: more processes at once than its limit"),
    ],
)
def test_a_summary_says_how_it_ended(ended_by: EndedBy, code: int | None, signal: int | None, said: str) -> None:
    assert summary(ended_by, exit_code=code, signal=signal, telling="Error: no such page") == said


def summary(
    ended_by: EndedBy, *, exit_code: int | None = None, signal: int | None = None, telling: str = "", counts: str = ""
) -> str:
    return summarise(
        ended_by,
        exit_code=exit_code,
        signal=signal,
        telling=telling,
        counts=counts,
        elapsed=timedelta(seconds=12),
        timeout=timedelta(minutes=5),
        success_codes=(0, 3),
    )


def test_a_summary_says_what_was_done() -> None:
    done = "3 warnings, 41 pages"
    assert summary(EndedBy.EXITED, exit_code=0, counts=done) == "succeeded in 12 s: 3 warnings, 41 pages"
    assert summary(EndedBy.EXITED, exit_code=3, counts=done) == "succeeded in 12 s, exit code 3: 3 warnings, 41 pages"
    assert summary(EndedBy.TIME_LIMIT, counts=done) == "stopped after its time limit of 5 min: 3 warnings, 41 pages"
    assert summary(EndedBy.EXITED, exit_code=1, counts=done, telling="Error: x") == "exit code 1: Error: x"


@pytest.mark.parametrize(
    ("tail", "told"),
    [
        ([], ""),
        (["", " "], ""),
        (["a", "b", ""], "b"),
        (["0 errors so far", "ValueError: bad", "bye"], "ValueError: bad"),
        (["Sphinx error:", "Builder name x not registered", "bye"], "Sphinx error: Builder name x not registered"),
        (["Error:"], "Error:"),
        (["make", "the build failed", "bye"], "the build failed"),
    ],
)
def test_the_telling_line_is_the_first_that_names_an_error(tail: list[str], told: str) -> None:
    assert telling_line(tail) == told


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (0.42, "0.4 s"),
        (1.2, "1 s"),
        (59.6, "1 min"),
        (65, "1 min 5 s"),
        (7200, "2 h"),
        (3661, "1 h 1 min 1 s"),
    ],
)
def test_a_span_is_said_as_a_person_would(seconds: float, said: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == said


def test_how_a_command_ended_is_the_state_of_its_job() -> None:
    assert state_after(EndedBy.EXITED, 0) is JobState.SUCCEEDED
    assert state_after(EndedBy.EXITED, 1) is JobState.FAILED
    assert state_after(EndedBy.SIGNAL, None) is JobState.CRASHED
    assert state_after(EndedBy.TIME_LIMIT, None) is JobState.TIMED_OUT
    assert state_after(EndedBy.PROCESS_LIMIT, None) is JobState.CRASHED


def test_which_exit_codes_are_a_success_is_for_the_job_type_to_say() -> None:
    assert state_after(EndedBy.EXITED, 3, (0, 3)) is JobState.SUCCEEDED
    assert state_after(EndedBy.EXITED, 0, (3,)) is JobState.FAILED
    assert state_after(EndedBy.SIGNAL, None, (0,)) is JobState.CRASHED
    assert summary(EndedBy.EXITED, exit_code=3) == "succeeded in 12 s, exit code 3"
