"""Output is bounded in memory and rate whatever a command writes."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.output import BURST, MAX_LINE, TAIL, Output


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def numbered(start: int, stop: int) -> list[str]:
    return [f"line {number}" for number in range(start, stop)]


def written(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def test_lines_are_left_out_beyond_the_burst_and_said_where_they_are_missing() -> None:
    clock = Clock()
    output = Output(clock)
    assert output.take(written(numbered(0, 1500))) == numbered(0, BURST)
    clock.now += 0.2
    assert output.take(written(numbered(1500, 1503))) == ["… 500 lines left out", "line 1500", "line 1501"]
    assert output.close() == ["line 1502"]
    assert output.left_out == 500


def test_the_end_is_always_forwarded() -> None:
    output = Output(Clock())
    output.take(written(numbered(0, 3000)))
    assert output.close() == ["… 1,950 lines left out", *numbered(2950, 3000)]
    assert output.tail == tuple(numbered(2950, 3000))
    assert output.left_out == 1950


@given(st.lists(st.binary(max_size=40)), st.integers(1, 7))
def test_how_the_output_is_cut_into_pieces_makes_no_difference(pieces: list[bytes], size: int) -> None:
    content = b"".join(pieces)
    whole, chopped = Output(Clock()), Output(Clock())
    lines = [*whole.take(content), *whole.close()]
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    assert [line for part in parts for line in chopped.take(part)] + chopped.close() == lines


@given(st.lists(st.one_of(st.binary(max_size=50), st.just(b"\n"), st.just(b"x" * 70_000)), max_size=30))
def test_what_is_kept_is_bounded(chunks: list[bytes]) -> None:
    output = Output(Clock())
    for chunk in chunks:
        output.take(chunk)
        assert len(output._partial) <= 4 * MAX_LINE
    output.close()
    assert len(output.tail) <= TAIL
    assert all(line and len(line) <= MAX_LINE and "\0" not in line for line in output.tail)


def test_a_long_line_is_cut_between_characters() -> None:
    output = Output(Clock())
    (line,) = output.take("ü".encode() * 5000 + b"\n")
    assert line == "ü" * (MAX_LINE - 1) + "…"
