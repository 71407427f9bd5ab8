"""Presets of line patterns for well-known commands, which job types select with `recognise` in jobs.toml.

Each could be written in jobs.toml as `patterns`. Error patterns are in order of precedence.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from domain.output.patterns import LinePattern

# Sphinx 9.0, in any language: https://www.sphinx-doc.org/en/master/man/sphinx-build.html; linkcheck's lines, too.
SPHINX = (
    {"progress": r"(?:\.\.\.|…) ?\[{percent}%\]"},
    {"count": r"^(?:\S+: |)(?:WARNING|ERROR|CRITICAL): ", "as": "warnings"},
    {"count": "build succeeded, {count} warning", "as": "warnings"},
    {"count": "build finished with problems, {count} warning", "as": "warnings"},
    {"count": r"\[[a-z0-9_-]+\] ?(?::|\x{ff1a}).*?{count}", "as": "pages"},
    {"count": r"^\(.* line ", "as": "links"},
    {"error": "Error: "},
    {"error": "Exception: "},
    {"error": "CRITICAL: "},
    {"error": "ERROR: "},
    {"error": r"^\(.* line .*\) broken "},
    {"error": r"^\(.* line .*\) timeout "},
)

# MkDocs 1.6: https://www.mkdocs.org/user-guide/cli/#mkdocs-build. It prints no progress, and pages only with -v.
MKDOCS = (
    {"count": "^WARNING - ", "as": "warnings"},
    {"count": r"^ERROR - [\w-]+: ", "as": "errors"},  # a plugin's, which fail it in strict mode only
    {"count": "^DEBUG - Building page ", "as": "pages"},
    {"error": "^ERROR - "},
    {"error": "Error: "},
)

# Docusaurus 2 and 3: https://docusaurus.io/docs/cli#docusaurus-build-sitedir. It prints no progress, counts no pages.
DOCUSAURUS = (
    {"count": r"^\[WARNING\] ", "as": "warnings"},
    {"count": r"^\[SUCCESS\] Generated static files in ", "as": "locales"},
    # what failed, but "Docusaurus found broken links!", which stand below it
    {"error": r"^\[cause\]: Error: (?:[^D]|D[^o]|Do[^c]|Doc[^u])"},
)

HUGO = (
    {"count": "^Pages │ {count}", "as": "pages"},
    {"count": "^WARN ", "as": "warnings"},
)
ELEVENTY = ({"count": r"^\[11ty\] Wrote {count} file", "as": "files"},)
VITE = ({"count": "^✓ {count} modules transformed", "as": "modules"},)
TYPEDOC = ({"count": r"^\[warning\] Found [0-9]+ errors and {count} warning", "as": "warnings"},)
ANTORA = (
    {"count": r"\] WARN \(", "as": "warnings"},
    {"count": r"\] ERROR \(", "as": "errors"},
)
MDBOOK = ({"count": r"^(?:WARN |.*\[WARN\] )", "as": "warnings"},)

# The linters and checkers of documentation count what they find, and so are their own summary.
VALE = (
    {"count": "{count} errors?, [0-9]+ warnings? and [0-9]+ suggestion", "as": "errors"},
    {"count": "[0-9]+ errors?, {count} warnings? and [0-9]+ suggestion", "as": "warnings"},
    {"count": "[0-9]+ errors?, [0-9]+ warnings? and {count} suggestion", "as": "suggestions"},
)
MARKDOWNLINT = (
    {"count": "^Linting: {count} file", "as": "files"},
    {"count": "^Summary: {count} error", "as": "errors"},
)
CSPELL = (
    {"progress": "^{done}/{total} .*ms"},
    {"count": "^CSpell: Files checked: {count}", "as": "files"},
    {"count": "Issues found: {count}", "as": "issues"},
    {"error": " - Unknown word "},
)
LYCHEE = (
    {"count": "^🔍 {count} Total", "as": "links"},
    {"count": "🚫 {count} Error", "as": "broken"},
)
YARN = ({"progress": r"^\[{done}/{total}\] "},)

# The scripts of https://github.com/digidem/comapeo-docs: notion-fetch-all, -translate, -status and -count-pages.
NOTION_SCRIPTS = (
    {"progress": "Translated {done} of {total} pages", "as": "pages translated"},
    {"progress": "Progress: {done}/{total}"},
    {"progress": "Processing {done} of {total}"},
    {"progress": "Processed page {done}/{total}"},
    {"progress": "{done}/{total} pages"},
    {"count": "✅ Exported {count} page", "as": "pages exported"},
    {"count": "✅ Translation workflow completed successfully: {count} translated", "as": "pages translated"},
    {"count": "Successfully updated {count} page", "as": "pages updated"},
    {"count": '"total":{count},"parents":', "as": "pages"},
    {"count": "⚠", "as": "warnings"},
    {"error": "❌"},
    {"error": "✗ "},
)

GENERAL = tuple(
    LinePattern(progress=text)
    for text in (
        r"(?i)\bprogress: {done}/{total}",
        r"(?i)\bprocessing {done} of {total}",
        r"(?i){done}/{total} pages?\b",
        r"(?:\.\.\.|…) ?\[{percent}%\]",  # as Sphinx prints it: `reading sources... [ 50%] intro`
    )
)
"""Progress of a command without a pattern for it."""

PRESETS: Mapping[str, Sequence[LinePattern]] = {
    name: tuple(map(LinePattern.model_validate, patterns))
    for name, patterns in {
        "sphinx": SPHINX,
        "mkdocs": MKDOCS,
        "docusaurus": DOCUSAURUS,
        "hugo": HUGO,
        "eleventy": ELEVENTY,
        "vite": VITE,
        "typedoc": TYPEDOC,
        "antora": ANTORA,
        "mdbook": MDBOOK,
        "vale": VALE,
        "markdownlint": MARKDOWNLINT,
        "cspell": CSPELL,
        "lychee": LYCHEE,
        "yarn": YARN,
        "notion-scripts": NOTION_SCRIPTS,
    }.items()
}


def _known(name: str) -> str:
    if name not in PRESETS:
        raise ValueError(f"{name!r} is no recogniser; allowed: {', '.join(PRESETS)}")
    return name


PresetName = Annotated[str, AfterValidator(_known), WithJsonSchema({"enum": list(PRESETS)})]
