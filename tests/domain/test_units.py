"""Sizes and durations in words."""

from datetime import timedelta

import pytest

from domain.units import in_words, size, size_in_words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0"),
        (512, "512"),
        (1023, "1023"),
        (1024, "1K"),
        (1536, "1.5K"),
        (64 * 2**20, "64M"),
        (1023 * 2**20, "1023M"),
        (2**31, "2G"),
    ],
)
def test_a_size_reads_as_people_write_it(number: int, words: str) -> None:
    assert size_in_words(number) == words


@pytest.mark.parametrize("words", ["1K", "64M", "2G", "1T"])
def test_a_round_size_is_written_as_it_was_read(words: str) -> None:
    assert size_in_words(size(words)) == words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.42, "0.4 s"),
        (1.2, "1.2 s"),
        (1, "1 s"),
        (59.6, "1 min"),
        (65, "1 min 5 s"),
        (7200, "2 h"),
        (3661, "1 h 1 min 1 s"),
    ],
)
def test_a_span_is_said_as_a_person_would(seconds: float, said: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == said
