"""The file of figures: a benchmark replaces its own, and docs/performance.md shows what the file holds."""

import json
import re
from pathlib import Path

from benchmarks.__main__ import BENCHMARKS, RESULTS, _store

PAGE = RESULTS.parents[1] / "docs" / "performance.md"

CLIENTS = ("", "_pygithub", "_githubkit", "_octokit")
"""The columns of a table with other clients; what is not one of theirs is said in words."""


def test_a_benchmark_replaces_its_own_figures_and_keeps_the_others(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    for name, figures in (("idle", {"a": 1.0, "b": 2.0}), ("imports", {"c": 3.0}), ("idle", {"a": 4.0})):
        _store(results, name, figures, seconds=1, load=0.1)
    assert json.loads(results.read_text(encoding="utf-8"))["summary"] == {"a": 4.0, "c": 3.0}


def test_the_figures_come_from_benchmarks_that_there_are() -> None:
    assert json.loads(RESULTS.read_text(encoding="utf-8"))["benchmarks"].keys() <= BENCHMARKS.keys()


def test_the_page_shows_the_figures_of_the_file() -> None:
    summary = json.loads(RESULTS.read_text(encoding="utf-8"))["summary"]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    shown = {
        name + suffix: cell
        for name, cells in rows
        for suffix, cell in zip(CLIENTS, cells.split(" | "), strict=False)
        if suffix == "" or name + suffix in summary
    }
    assert shown.keys() >= {"posts_per_delivered_faults", "posts_per_delivered_faults_pygithub"}
    assert shown == {name: f"{summary[name]:.2f}" for name in shown}
