"""Presets of line patterns for well-known commands, which job types select with `recognise` in jobs.toml.

Each could be written in jobs.toml as `patterns`. Error patterns are in order of precedence.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator

from domain.output.patterns import LinePattern

# Sphinx 9.0: https://www.sphinx-doc.org/en/master/man/sphinx-build.html; the linkcheck builder's lines, too.
SPHINX = (
    {"progress": r"\.\.\. \[{percent}%\]"},
    {"count": "build succeeded, {count} warning", "as": "warnings"},
    {"count": "build finished with problems, {count} warning", "as": "warnings"},
    {"count": r"\]: targets for {count} source file", "as": "pages"},
    {"count": r"^\(.* line ", "as": "links"},
    {"error": "Error: "},
    {"error": "Exception: "},
    {"error": "CRITICAL: "},
    {"error": "ERROR: "},
    {"error": r"^\(.* line .*\) broken "},
    {"error": r"^\(.* line .*\) timeout "},
    {"error": "WARNING: "},
)

# MkDocs 1.6: https://www.mkdocs.org/user-guide/cli/#mkdocs-build. It prints no progress, and pages only with -v.
MKDOCS = (
    {"count": "^WARNING - ", "as": "warnings"},
    {"count": "^DEBUG - Building page ", "as": "pages"},
    {"error": "^ERROR - "},
    {"error": "Error: "},
    {"error": "^WARNING - "},
)

# Docusaurus 3: https://docusaurus.io/docs/cli#docusaurus-build-sitedir. It prints no progress and counts no pages.
DOCUSAURUS = (
    {"count": r"^\[WARNING\] ", "as": "warnings"},
    {"count": r"^\[SUCCESS\] Generated static files in ", "as": "locales"},
    {"error": r"\[cause\]: "},
    {"error": r"^\[ERROR\] "},
    {"error": "Error: "},
)

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
        r"\.\.\. \[{percent}%\]",  # as Sphinx prints it: `reading sources... [ 50%] intro`
    )
)
"""Progress of a command without a pattern for it."""

PRESETS: Mapping[str, Sequence[LinePattern]] = {
    name: tuple(map(LinePattern.model_validate, patterns))
    for name, patterns in {
        "sphinx": SPHINX,
        "mkdocs": MKDOCS,
        "docusaurus": DOCUSAURUS,
        "notion-scripts": NOTION_SCRIPTS,
    }.items()
}


def _known(name: str) -> str:
    if name not in PRESETS:
        raise ValueError(f"{name!r} is no recogniser; allowed: {', '.join(PRESETS)}")
    return name


PresetName = Annotated[str, AfterValidator(_known)]
