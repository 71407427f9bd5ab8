"""The files of a commit are listed in little memory."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from tasks.git.commit_files import Paths


@given(st.sets(st.text(max_size=3)), st.sets(st.text(max_size=3)))
def test_those_that_were_added_are_found_and_no_others(added: set[str], asked: set[str]) -> None:
    paths = Paths(list(added)[::2])
    for path in list(added)[1::2]:
        paths.add(path)
    assert paths.among(asked) == added & asked


def test_a_path_takes_few_bytes() -> None:
    paths = Paths()
    tracemalloc.start()
    try:
        for number in range(20_000):
            paths.add(f"docs/{number}.md")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 12 * 20_000
