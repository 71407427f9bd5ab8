"""Reads sections and tables of the documents that tests hold to the code."""

from pathlib import Path

from processes import ROOT

SECURITY, GUARANTEE, ARCHITECTURE = (
    ROOT / "SECURITY.md",
    ROOT / "docs" / "guarantee.md",
    ROOT / "docs" / "architecture.md",
)


def section(page: Path, heading: str) -> str:
    """The text below the second-level *heading* of *page*, up to the next; empty without such a heading."""
    return page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table(page: Path, heading: str) -> list[str]:
    """The lines of the tables in a section, the heads of the tables included."""
    return [line for line in section(page, heading).splitlines() if line.startswith("|")]
