"""Real outputs are parsed: progress, summary and error line.

The outputs in tests/support/data were recorded from the versions they name, with neutral paths and no blanks
at line ends.
"""

from pathlib import Path

import pytest

from domain.output.parser import OutputParser
from domain.output.patterns import LinePattern
from domain.output.presets import PRESETS
from domain.output.progress import Progress

RECORDED = Path(__file__).parents[2] / "support" / "data"


def understood(recogniser: str, output: str) -> tuple[OutputParser, list[Progress]]:
    parsed = OutputParser(PRESETS[recogniser])
    seen = [parsed.take(line) for line in output.splitlines() if line.strip()]
    return parsed, [progress for progress in seen if progress]


def recorded(name: str) -> str:
    return (RECORDED / f"{name}.txt").read_text()


def own(*patterns: dict[str, str]) -> OutputParser:
    return OutputParser([LinePattern.model_validate(one) for one in patterns])


@pytest.mark.parametrize(
    ("name", "counts", "error_line"),
    [
        (
            "sphinx-9.0.4-warnings",
            "3 warnings, 4 pages",
            "",
        ),
        (
            "sphinx-9.0.4-strict",
            "3 warnings, 4 pages",
            "/srv/site/docs/index.rst:4: WARNING: toctree contains reference to nonexisting document",
        ),
        (
            "sphinx-9.0.4-linkcheck",
            "3 warnings, 4 pages, 1 link",
            "(               b: line    4) broken    http://127.0.0.1:9/x - HTTPConnectionPool",
        ),
        ("sphinx-9.0.4-extension", "", "    sphinx.errors.ExtensionError: Could not import extension nosuch"),
        ("mkdocs-1.6.1-warnings", "3 warnings", ""),
        ("mkdocs-1.6.1-strict", "3 warnings", "WARNING -  A reference to 'missing.md' is included"),
        ("mkdocs-1.6.1-plugin", "1 error", "ERROR   -  mkdocstrings: Couldn't load inventory https://docs.python.org"),
        ("mkdocs-1.6.1-verbose", "3 warnings, 3 pages", ""),
        ("mkdocs-1.6.1-configuration", "", "ERROR   -  Config value 'theme': Unrecognised theme name: 'nosuch'."),
        ("docusaurus-3.10.2-warnings", "3 warnings, 1 locale", ""),
        ("docusaurus-3.10.2-broken-links", "", "  - Broken link on source page path = /docs/intro:"),
    ],
)
def test_a_recorded_output_is_summed_up(name: str, counts: str, error_line: str) -> None:
    parsed, _ = understood(name.partition("-")[0], recorded(name))
    assert parsed.counts == counts
    assert parsed.error_line[0].startswith(error_line)


def test_the_progress_of_sphinx_is_read() -> None:
    _, seen = understood("sphinx", recorded("sphinx-9.0.4-warnings"))
    assert [progress.percent for progress in seen] == [25, 50, 75, 100] * 2


FETCHED = """
🌍 CoMapeo Notion Fetch All - Export All Pages to Markdown
  Progress: 5/12 pages
    ⚠️  Content validation failed for "Maps" (attempt 1/3), retrying in 100ms...
  Progress: 12/12 pages
✅ Fetched 12 pages from Notion
✅ Exported 12 pages to markdown files (image compression saved 3.20 KB)
✨ Fetch All Complete!
"""
TRANSLATED = """
Processing pt translations:
Translated 12 of 40 pages
"""


@pytest.mark.parametrize(
    ("output", "counts", "progress"),
    [
        (FETCHED, "12 pages exported, 1 warning", [Progress(5, 12), Progress(12, 12)]),
        (TRANSLATED, "12 of 40 pages translated", [Progress(12, 40)]),
        ("Translated 40 of 40 pages", "40 pages translated", [Progress(40, 40)]),
        ("✅ Translation workflow completed successfully: 7 translated, 2 skipped", "7 pages translated", []),
        ('✔ Successfully updated 1 pages from "Draft" to "Ready"', "1 page updated", []),
        ('{"total":41,"parents":3,"subPages":38}', "41 pages", []),
        ("Processing 5 of 10", "", [Progress(5, 10)]),
        ("5/10 pages", "", [Progress(5, 10)]),
        ("Processed page 3/41: Maps", "", [Progress(3, 41)]),
        ("Progress: 5/10", "", [Progress(5, 10)]),
        ("Progress: 11/10", "", []),
    ],
)
def test_the_notion_scripts_are_summed_up(output: str, counts: str, progress: list[Progress]) -> None:
    """As digidem/comapeo-docs, at 5106918, writes it; no run of its own."""
    parsed, seen = understood("notion-scripts", output)
    assert (parsed.counts, seen) == (counts, progress)


def test_the_errors_of_the_notion_scripts_are_reported() -> None:
    parsed, _ = understood("notion-scripts", "Failed to fetch, retrying\n❌ Fatal error: no such page\nbye")
    assert parsed.error_line == ("❌ Fatal error: no such page",)


def test_lines_are_counted_and_the_last_number_holds() -> None:
    parsed = own({"count": "copied ", "as": "files"}, {"count": "{count} entries", "as": "entries"})
    for line in ("copied a", "copied b", "3 entries", "1 entries", "0 of it"):
        parsed.take(line)
    assert parsed.counts == "2 files, 1 entry"


def test_a_count_of_zero_is_left_out() -> None:
    parsed = own({"count": "{count} warnings", "as": "warnings"})
    parsed.take("0 warnings")
    assert parsed.counts == ""


def test_without_a_pattern_for_progress_the_general_ones_hold() -> None:
    assert own().take("Progress: 5/10") == Progress(5, 10)
    assert own({"error": "ERR!"}).take("Progress: 5/10") == Progress(5, 10)
    assert own({"progress": "step {done} of {total}"}).take("Progress: 5/10") is None


def test_a_progress_beside_the_word_percent_is_counted() -> None:
    parsed = own({"progress": "{done} of {total} files, [0-9]+ percent", "as": "files"})
    assert parsed.take("3 of 4 files, 75 percent") == Progress(3, 4)
    assert parsed.counts == "3 of 4 files"


def test_the_first_error_is_reported_however_much_output_follows() -> None:
    parsed = own()
    for line in ("building", "ValueError: bad page", *map(str, range(1000)), "KeyError: another", "bye"):
        parsed.take(line)
    assert parsed.error_line == ("ValueError: bad page",)


def test_an_error_pattern_goes_before_those_behind_it_and_before_what_is_an_error_in_general() -> None:
    parsed = own({"error": "bad link"}, {"error": "odd link"})
    said = ("ValueError: x", "odd link a", "bad link b", "bad link c", "odd link d")
    told = []
    for line in said:
        parsed.take(line)
        told.append(parsed.error_line[0])
    assert told == ["ValueError: x", "odd link a", "bad link b", "bad link b", "bad link b"]


def test_an_error_that_ends_in_a_colon_goes_on_in_the_next_line() -> None:
    parsed = own({"error": "broken"})
    for line in ("2 broken links:", "a.md", "b.md"):
        parsed.take(line)
    assert parsed.error_line == ("2 broken links:", "a.md")


def test_only_the_beginning_of_a_line_is_looked_at() -> None:
    parsed = own({"count": "page", "as": "pages"})
    parsed.take("x" * 497 + "page")
    assert parsed.counts == ""
