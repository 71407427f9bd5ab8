"""Splits output into lines, in bounded memory whatever a command writes."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.redact import LONGEST_PIECE, REACH, public
from domain.text import UNSEEN
from tasks.process.output_lines import KEPT_BYTES, MOST_ROWS, TAIL, Output


def test_the_last_lines_are_kept() -> None:
    output = Output()
    lines = [f"line {number}" for number in range(3000)]
    assert output.take("".join(f"{line}\n" for line in lines).encode()) == lines
    assert output.tail == tuple(lines[-50:])


def test_colours_are_taken_out_and_a_line_of_nothing_else_is_none() -> None:
    assert Output().take(b"\x1b[1;31mERROR\x1b[0m bad\x1b[K\n\x1b[32m\x1b[0m\n") == ["ERROR bad"]


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        (b"10 %\r20 %\r30 %\ndone\n", ["30 %", "done"]),
        (b"\r10 %\r20 %", ["20 %"]),
        (b"10 %\r\n20 %\r\r\n", ["10 %", "20 %"]),
        (b"10 %\r          \r", ["10 %"]),
        (b"10 %\r\x1b[Kdone\n", ["done"]),
        (b"10 %\r\x1b[K\n", ["10 %"]),
        (b"10 %\x1b[2K\x1b[1Gdone\n", ["done"]),
        (b"\x1b[2K\x1b[G10 %\x1b[2K\n\r\n", ["10 %"]),
        (b"x" * 2 * KEPT_BYTES + b"\rdone\n", ["done"]),
    ],
)
def test_a_line_that_is_redrawn_is_one_line_in_its_last_state(written: bytes, lines: list[str]) -> None:
    output = Output()
    assert output.take(written) + output.close() == lines


UP = b"\x1b[3A"


def frame(*lines: str) -> bytes:
    return b"".join(b"\x1b[2K" + line.encode() + b"\n" for line in lines)


def test_a_block_of_lines_that_is_redrawn_is_shown_as_it_begins_and_as_it_ends() -> None:
    shown: list[str] = []
    output = Output(on_redraw=shown.append)
    lines = output.take(b"before\n" + frame("Building", "page 0/500", "  a.md"))
    for done in range(1, 501):
        lines += output.take(UP + frame("Building", f"page {done}/500", f"  {done}.md"))
    assert lines == ["before", "Building", "page 0/500", "  a.md"]
    lines = output.take(b"".join(b"after %d\n" % number for number in range(9)))
    assert lines == ["page 500/500", "  500.md", *(f"after {number}" for number in range(9))]
    assert output.take(b"live\n") + output.close() == ["live"]
    assert [one for one in shown if "page 5/" in one] == ["page 5/500"]


def test_a_block_that_grows_and_is_erased_line_by_line_is_held_until_the_command_ends() -> None:
    output, lines = Output(), list[str]()
    for rows in range(1, 8):
        up = b"\x1b[2K\x1b[1A" * (rows - 1) + b"\x1b[2K\x1b[G"
        lines += output.take(up + b"".join(b"#%d step, %d s\n" % (row, rows) for row in range(rows)))
    lines += output.close()
    assert lines == ["#0 step, 1 s", *(f"#{row} step, 7 s" for row in range(7))]
    assert output.tail == tuple(lines)


def test_a_cursor_that_goes_up_at_random_has_bounded_lines_held() -> None:
    output = Output()
    output.take(b"\x1b[999A" + b"".join(b"%d\x1b[999A\n" % number for number in range(5000)))
    assert len(output._block._rows) <= MOST_ROWS + 1


def test_what_a_line_shows_while_it_is_redrawn_is_told_once_for_each_piece() -> None:
    shown: list[str] = []
    output = Output(on_redraw=shown.append)
    for piece in (b"start\n10", b" %\r20 %\r", b"30 %", b"\r40 %\r50", b" %\nend\n"):
        output.take(piece)
    assert shown == ["20 %", "30 %", "50"]


@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([b"\r", b"\n", b"\x1b[2K", b"x\n", b"\x1b[2A", b"\x1b[B"])),
    st.integers(1, 7),
)
def test_how_the_output_is_cut_into_pieces_makes_no_difference(pieces: list[bytes], size: int) -> None:
    content = b"".join(pieces)
    whole, chopped = Output(), Output()
    lines = [*whole.take(content), *whole.close()]
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    assert [line for part in parts for line in chopped.take(part)] + chopped.close() == lines


HOSTILE = (
    b"\x1b",
    b"\x1b]0;",
    b"\x1b[",
    b"\x9b",
    b"\xc2\x9b",
    b"\xe2\x80\xae",
    b"\xed\xa0\xbd",
    b"\x07",
    b"\b",
    b"\r",
    b"31m",
    b"\0",
)


@given(st.lists(st.sampled_from(HOSTILE) | st.binary(max_size=5), max_size=30).map(b"".join))
def test_output_lines_never_control_a_terminal(written: bytes) -> None:
    output = Output()
    lines = [*output.take(written), *output.close()]
    assert [line for line in (*lines, *map(public, lines)) if UNSEEN.search(line) or "\n" in line] == []


@given(st.lists(st.one_of(st.binary(max_size=50), st.just(b"\n"), st.just(b"x" * 70_000)), max_size=30))
def test_kept_output_is_bounded(chunks: list[bytes]) -> None:
    output = Output()
    for chunk in chunks:
        output.take(chunk)
        assert len(output._partial) <= KEPT_BYTES + 1
    output.close()
    assert len(output.tail) <= TAIL
    assert all(line and len(line) <= KEPT_BYTES and "\0" not in line for line in output.tail)


def test_a_line_is_whole_up_to_its_bound_and_beyond_ends_between_characters() -> None:
    whole, more = Output().take("ü".encode() * (KEPT_BYTES // 2) + b"\n" + "ü".encode() * KEPT_BYTES + b"\n")
    assert whole == "ü" * (KEPT_BYTES // 2)
    assert more == "ü" * (KEPT_BYTES // 2 + 1 - REACH) + "…"


def secret_of(length: int) -> str:
    return "".join(chr(ord("A") + number * 7 % 26) + str(number) for number in range(length))[:length]


@pytest.mark.parametrize("length", [8, 40, LONGEST_PIECE, 3 * LONGEST_PIECE + 1])
@pytest.mark.parametrize("escapes", [b"", b"\x1b[0m"])
def test_no_secret_that_stands_across_the_bound_survives_in_part(length: int, escapes: bytes) -> None:
    secret = secret_of(length)
    before = escapes * (KEPT_BYTES // len(escapes)) if escapes else b"x" * KEPT_BYTES
    shown = partial(public, secrets=(secret,))
    for there in sorted({1, 2, 4, 7, length // 2, length - 1}):
        (line,) = Output(shown).take(before[there:] + secret.encode() + b"y" * 100 + b"\n")
        told = shown(line)
        assert not any(secret[at : at + 4] in told for at in range(length - 3))
        assert not told.rstrip("…").endswith(secret[: min(there, 3)])
