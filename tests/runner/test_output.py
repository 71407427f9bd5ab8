"""Output is lines, bounded in memory whatever a command writes."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.output import MAX_LINE, TAIL, Output


def test_the_last_lines_are_kept() -> None:
    output = Output()
    lines = [f"line {number}" for number in range(3000)]
    assert output.take("".join(f"{line}\n" for line in lines).encode()) == lines
    assert output.tail == tuple(lines[-50:])


def test_colours_are_taken_out_and_a_line_of_nothing_else_is_none() -> None:
    assert Output().take(b"\x1b[1;31mERROR\x1b[0m bad\x1b[K\n\x1b[32m\x1b[0m\n") == ["ERROR bad"]


@given(st.lists(st.binary(max_size=40)), st.integers(1, 7))
def test_how_the_output_is_cut_into_pieces_makes_no_difference(pieces: list[bytes], size: int) -> None:
    content = b"".join(pieces)
    whole, chopped = Output(), Output()
    lines = [*whole.take(content), *whole.close()]
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    assert [line for part in parts for line in chopped.take(part)] + chopped.close() == lines


@given(st.lists(st.one_of(st.binary(max_size=50), st.just(b"\n"), st.just(b"x" * 70_000)), max_size=30))
def test_what_is_kept_is_bounded(chunks: list[bytes]) -> None:
    output = Output()
    for chunk in chunks:
        output.take(chunk)
        assert len(output._partial) <= 4 * MAX_LINE
    output.close()
    assert len(output.tail) <= TAIL
    assert all(line and len(line) <= MAX_LINE and "\0" not in line for line in output.tail)


def test_a_long_line_is_cut_between_characters() -> None:
    output = Output()
    (line,) = output.take("ü".encode() * 5000 + b"\n")
    assert line == "ü" * (MAX_LINE - 1) + "…"
