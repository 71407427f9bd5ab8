import pytest

from domain.quantities import size, size_in_words


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
