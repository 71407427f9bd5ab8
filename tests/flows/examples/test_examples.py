"""Examples that need no package registry, started by `reportback submit`, end to end."""

import sys
from collections.abc import Callable

import pytest
from example_files import EXAMPLES, sources
from example_rig import Example

from domain.jobs.preparation import Preparation

TYPED = "# More\n\nIt is simply so.\n"

CHECKS: dict[str, tuple[tuple[str, ...], list[str], str]] = {
    "in earnest": ((), ["pending", "failure"], "exit code 1: Error: docs/more.md:3:simply"),
    "for advice": (("advice=true",), ["pending", "success"], "exit code 3: 2 pages"),
}
"""Options, and what the commit shows."""


async def test_sphinx_builds_keeps_and_links_what_it_built(example: Callable[[str], Example]) -> None:
    sphinx = example("sphinx")
    handbook = sphinx.types["handbook"]
    installed = Preparation(command=("ln", "-s", sys.prefix, ".venv"))  # what its own would install
    sphinx.types["handbook"] = handbook.model_copy(update={"prepare": (handbook.prepare[0], installed)})
    sha = sphinx.origin.commit("main", **sources(EXAMPLES / "sphinx"))
    shown = await sphinx.submitted("handbook", sha, "builder=dirhtml", "language=de")
    assert shown.states == ["pending", "success"], shown.run.shows
    assert shown.link == f"https://docs.example.com/preview/{shown.run.id}/"
    assert {"index.html", "install/index.html"} <= set(shown.kept)


@pytest.mark.parametrize("how", CHECKS)
async def test_a_command_of_ones_own_decides_by_its_exit_code_and_its_report_is_kept(
    example: Callable[[str], Example], how: str
) -> None:
    options, states, words = CHECKS[how]
    command = example("command")
    sha = command.origin.commit("main", **{**sources(EXAMPLES / "command"), "docs__more_md": TYPED})
    shown = await command.submitted("words", sha, *options)
    assert shown.states == states, shown.run.shows
    assert shown.run.shows[2].endswith(words)
    assert shown.kept == ["found", "index.html"]
    linked = f"https://docs.example.com/words/{sha}/{shown.run.id}/"
    assert (shown.link == linked) is (states[-1] == "success")
