"""The file of figures: a benchmark replaces its own, and docs/performance.md shows what the file holds."""

import json
import re
from pathlib import Path

from benchmarks.__main__ import BENCHMARKS, RESULTS, _store

PAGE = RESULTS.parents[1] / "docs" / "performance.md"

COLUMNS = {
    "value": "", "Reportback": "", "PyGithub": "_pygithub", "githubkit": "_githubkit", "Octokit": "_octokit",
    "naive loop": "_naive_loop",
}  # fmt: skip
"""The columns with figures, and what is added to a figure's name in each; what is in others are words."""


def test_a_benchmark_replaces_its_own_figures_and_keeps_the_others(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    for name, figures in (("idle", {"a": 1.0, "b": 2.0}), ("imports", {"c": 3.0}), ("idle", {"a": 4.0})):
        _store(results, name, figures, seconds=1, load=0.1)
    assert json.loads(results.read_text(encoding="utf-8"))["summary"] == {"a": 4.0, "c": 3.0}


def test_the_figures_come_from_benchmarks_that_there_are() -> None:
    assert json.loads(RESULTS.read_text(encoding="utf-8"))["benchmarks"].keys() <= BENCHMARKS.keys()


def test_the_page_shows_the_figures_of_the_file() -> None:
    summary = json.loads(RESULTS.read_text(encoding="utf-8"))["summary"]
    shown, columns = dict[str, str](), list[str]()
    for cells in re.findall(r"^\| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        name, *others = cells.split(" | ")
        if name == "figure":
            columns = others
        elif found := re.fullmatch(r"`(\w+)`", name):
            of_column = zip(columns, others, strict=True)
            shown |= {found[1] + COLUMNS[one]: cell for one, cell in of_column if one in COLUMNS}
    assert shown.keys() >= {"posts_per_delivered_faults", "posts_per_delivered_faults_pygithub"}
    assert shown == {name: f"{summary[name]:.2f}" for name in shown}
