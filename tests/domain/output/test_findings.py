"""What outputs of real tools, and lines like theirs, say of places in files."""

from collections.abc import Iterable

import pytest
from recorded_outputs import Recorded, recorded_outputs

from domain.output.findings import MOST, Finding, FindingParser, Level
from domain.output.parser import OutputParser
from domain.output.patterns import LinePattern
from tasks.process.output_lines import Output

SPHINX = ["/srv/site/a.rst:4", "/srv/site/index.rst:4", "/srv/site/index.rst:9"]
PLACES = {
    "antora: targets that are missing, not fatal": [
        "/srv/site/docs/modules/ROOT/pages/index.adoc:5", "/srv/site/docs/modules/ROOT/pages/index.adoc",
    ],
    "asciidoctor: an include that is missing": ["a.adoc:3"],
    "codespell: two misspelt words": ["a.md:1", "a.md:1"],
    "cspell: two misspelt words, and a page named errors.md": ["a.md:1", "a.md:1"],
    "doc8: findings": ["docs/api.rst:6", "docs/api.rst:8"],
    "docusaurus: a page that is no MDX": ["inline.mdx", "/srv/site/docs/intro.mdx:51"],
    "docusaurus: broken links": ["/docs/intro", "/docs/two"],
    "docusaurus: broken links are warnings": ["docs/intro.md:3", "/docs/intro", "/docs/two"],
    "hugo: a reference to no page": ["/srv/site/content/a.md:4"],
    "hugo: a shortcode that is missing": ["/srv/site/content/a.md:4"],
    "jekyll: an unknown tag": ["a.md:1"],
    "lychee: two broken links": ["a.md:1", "a.md:1"],
    "make: Sphinx below make, warnings are errors": ["/srv/site/index.rst:4"],
    "markdown-link-check: two broken links": ["a.md", "a.md"],
    "markdownlint: findings": ["a.md:1", "a.md:2", "a.md:2", "a.md:6", "a.md:7"],
    "mkdocs: a broken template": ["index.md", "index.md"],
    "remark: findings": ["docs/index.md:156", "docs/release-notes.md:1064"],
    "rstcheck: findings, with --report-level WARNING": ["docs/api.rst:4", "docs/api.rst:24"],
    "sphinx: a German worker": SPHINX,
    "sphinx: a Japanese worker": SPHINX,
    "sphinx: an include that is missing": ["/srv/site/a.rst:4"],
    "sphinx-lint: findings": ["attrs-26.1.0/docs/api-attr.rst:7", "attrs-26.1.0/docs/api-attr.rst:59"],
    "typedoc: a type error": ["a.ts:1"],
    "vale: findings": ["README.md:17", "README.md:42"],
    "vale: findings, a line each": ["README.md:17", "README.md:42", "README.md:58"],
    "vitepress: a dead link": ["index.md"],
    "vitepress: a broken page": ["index.md:4"],
}  # fmt: skip
WITHOUT = ("npm", "pnpm", "yarn", "pip", "python", "pdoc", "eleventy", "vite", "mdbook", "jsdoc", "pelican", "astro")
"""Tools whose outputs say nothing of a place in a page: their stack traces are none."""

OUTPUTS = recorded_outputs()


def read(lines: Iterable[str], *patterns: dict[str, str]) -> list[Finding]:
    parser = OutputParser([LinePattern.model_validate(one) for one in patterns])
    for line in filter(str.strip, lines):
        parser.take(line)
    return list(parser.findings)


def of_output(recorded: Recorded) -> list[Finding]:
    lines = Output()
    return read((*lines.take(recorded.output.encode()), *lines.close()))


def place(finding: Finding) -> str:
    return f"{finding.path}:{finding.line}" if finding.line else finding.path


@pytest.mark.parametrize("recorded", [one for one in OUTPUTS if str(one) in PLACES], ids=str)
def test_each_finding_of_a_real_output_has_its_place(recorded: Recorded) -> None:
    assert list(map(place, of_output(recorded))) == PLACES[str(recorded)]


def test_all_listed_outputs_are_there() -> None:
    assert PLACES.keys() <= set(map(str, OUTPUTS))


def test_nearly_all_findings_of_real_outputs_name_a_line_or_what_stands_there() -> None:
    findings = [one for recorded in OUTPUTS for one in of_output(recorded)]
    placed = [one for one in findings if one.path and (one.line or one.quotes)]
    assert len(placed) / len(findings) >= 0.95


@pytest.mark.parametrize("recorded", [one for one in OUTPUTS if one.tool in WITHOUT], ids=str)
def test_no_other_line_of_a_real_output_passes_for_a_finding(recorded: Recorded) -> None:
    assert of_output(recorded) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("docs/a.md:12:81 MD013 long", Finding("docs/a.md", 12, Level.WARNING, "MD013 long")),
        ("/srv/a.rst: WARNING: not in a toctree", Finding("/srv/a.rst", None, Level.WARNING, "not in a toctree")),
        ("::error file=docs/a.md,line=3,col=7,title=Spelling::Helo", Finding("docs/a.md", 3, Level.FAILURE, "Helo")),
        ("::notice title=x,file=a.md::Helo", Finding("a.md", None, Level.NOTICE, "Helo")),
        ("a.rst:3: (INFO/1) Odd", Finding("a.rst", 3, Level.NOTICE, "Odd")),
        ("a.md:3:1: suggestion: shorter", Finding("a.md", 3, Level.NOTICE, "shorter")),
        (
            "/srv/m.py:docstring of m.Part.turn:3: ERROR: Unexpected indentation.",
            Finding("/srv/m.py", None, Level.FAILURE, "m.Part.turn:3: ERROR: Unexpected indentation.", "m.Part.turn"),
        ),
        (  # Sphinx 9, where it knows no line
            "/srv/m.py:docstring of m.Part.turn:: WARNING: py:class reference target not found: P",
            Finding(
                "/srv/m.py", None, Level.WARNING, "m.Part.turn:: WARNING: py:class reference target not found: P",
                "m.Part.turn",
            ),
        ),
        (
            "WARNING -  A reference to 'a.md' is included in the 'nav' configuration, which is not found in the docs",
            Finding(
                "mkdocs.yml", None, Level.WARNING,
                "A reference to 'a.md' is included in the 'nav' configuration, which is not found in the docs", "a.md",
            ),
        ),
        (
            "/srv/docs/api.rst:: WARNING: py:class reference target not found: P [ref.class]",
            Finding("/srv/docs/api.rst", None, Level.WARNING, "py:class reference target not found: P [ref.class]"),
        ),
        (
            "INFO    -  Doc file 'b.md' contains a link 'a.md#no', but the doc has no such anchor",
            Finding(
                "b.md", None, Level.NOTICE,
                "Doc file 'b.md' contains a link 'a.md#no', but the doc has no such anchor", "a.md#no",
            ),
        ),
    ],
)  # fmt: skip
def test_a_line_is_read(line: str, found: Finding) -> None:
    assert read([line]) == [found]


@pytest.mark.parametrize(
    "line",
    [
        "    at Object.<anonymous> (/srv/site/a.js:3:4)", "/srv/site/a.js:12", "copying docs/a.md:3 to b",
        "see a.md:3: there",
        "12:30 warning", 'File "a.py", line 3, in <module>', "http://127.0.0.1:8000 error", "a.md: done",
        "::warning::no file",
    ],
)  # fmt: skip
def test_what_says_nothing_of_a_place_is_no_finding(line: str) -> None:
    assert read([line]) == []


MDX = [
    'Error: MDX compilation failed for file "/srv/site/docs/a.md"', "Cause: Could not parse expression with acorn",
    "Details:", "{", '  "cause": {"pos": 53},', '  "column": 10,', '  "line": 5,', "}",
]  # fmt: skip


def test_a_page_that_is_no_mdx_is_found_with_the_line_that_its_details_name() -> None:
    message = "Could not parse expression with acorn"
    assert read(MDX) == [Finding("/srv/site/docs/a.md", 5, Level.FAILURE, message)]


def test_a_finding_printed_twice_is_one() -> None:
    assert len(read(["a.md:3: warning: x"] * 3 + ["a.md:4: warning: x"])) == 2


def test_no_more_findings_are_kept_than_a_bound() -> None:
    assert len(read(f"a.md:{number}: warning: x" for number in range(1, MOST + 10))) == MOST


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        ("{file}:{line}: {message}", "a.md:7: too long", Finding("a.md", 7, Level.WARNING, "too long")),
        (r"^{level}\|{file}\|{message}", "ERROR|a.md|too long", Finding("a.md", None, Level.FAILURE, "too long")),
    ],
)
def test_a_job_type_says_how_its_own_tool_prints_findings(pattern: str, line: str, found: Finding) -> None:
    assert read([line], {"finding": pattern}) == [found]


@pytest.mark.parametrize("pattern", ["{file}: x", "{message}", "{file}{count}{message}", "plain"])
def test_a_pattern_without_a_place_or_a_message_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"is no finding; allowed in braces: \{file\} and \{message\}, or"):
        LinePattern.model_validate({"finding": pattern})


def test_a_parser_without_an_output_has_found_nothing() -> None:
    assert FindingParser().findings == ()
