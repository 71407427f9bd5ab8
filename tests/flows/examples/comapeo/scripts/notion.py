# ruff: noqa: T201 - a script prints
"""Scripts with the command lines of those that the nine job types run, on a Notion of six pages."""

import argparse
import json
import os
import sys
from pathlib import Path

PAGES = {
    "introduction": "Ready to publish",
    "install": "Ready to publish",
    "collect": "Draft finished",
    "exchange": "Ready for translation",
    "glossary": "Ready to publish",
    "old": "Remove",
}
IDS = {f"{number:032x}": name for number, name in enumerate(PAGES, start=1)}
FORBIDDEN = ("REPORTBACK_", "PREFECT_", "CONTENT_PUSH_TOKEN", "GITHUB_TOKEN")


def words() -> argparse.Namespace:
    """The script's name and its flags."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("script")
    parser.add_argument("--page-id")
    parser.add_argument("--status-filter")
    parser.add_argument("--workflow", choices=("translation", "draft", "publish", "publish-production"))
    parser.add_argument("--max-pages", type=int)
    for flag in ("--force", "--dry-run", "--include-removed"):
        parser.add_argument(flag, action="store_true")
    return parser.parse_args()


def wanted(given: argparse.Namespace) -> list[str]:
    """The pages that the flags choose."""
    if given.page_id and given.page_id not in IDS:
        sys.exit(f"❌ Fatal error: no page {given.page_id}")
    chosen = [IDS[given.page_id]] if given.page_id else [name for name in PAGES if fits(name, given)]
    return chosen[: given.max_pages or None]


def fits(name: str, given: argparse.Namespace) -> bool:
    """Whether the page has the status that is asked for."""
    status = PAGES[name]
    return (given.include_removed or status != "Remove") and given.status_filter in (None, status)


def fetch(given: argparse.Namespace) -> None:
    """Write each page and its picture."""
    pages = wanted(given)
    for number, name in enumerate(pages, start=1):
        if not given.dry_run:
            write(f"docs/{name}.md", f"# {name.title()}\n\nFetched{' anew' if given.force else ''}.\n")
            write(f"static/images/{name}.svg", f"<svg><title>{name}</title></svg>\n")
        print(f"Processed page {number}/{len(pages)}", flush=True)
    print(f"✅ Exported {len(pages)} pages")


def translate(_: argparse.Namespace) -> None:
    """Write each page in German."""
    pages = [name for name, status in PAGES.items() if status == "Ready for translation"]
    for number, name in enumerate(pages, start=1):
        write(f"i18n/de/{name}.md", f"# {name.title()}\n\nÜbersetzt.\n")
        print(f"Translated {number} of {len(pages)} pages")


def count(given: argparse.Namespace) -> None:
    """Say how many pages there are."""
    print(json.dumps({"total": len(wanted(given)), "parents": 1}, separators=(",", ":")))


def move(given: argparse.Namespace) -> None:
    """Move pages on: nothing of it is in the repository."""
    if given.workflow is None:
        sys.exit("❌ --workflow is missing")
    print("Successfully updated 2 pages")


def write(name: str, text: str) -> None:
    """A file of the working copy."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def main() -> None:
    """Run one script, if it sees what it may and not more."""
    if seen := [name for name in os.environ if name.startswith(FORBIDDEN)]:
        sys.exit(f"❌ seen: {', '.join(seen)}")
    if not os.environ.get("NOTION_API_KEY"):
        sys.exit("❌ Error: NOTION_API_KEY is not set")
    if not Path("node_modules/ms").exists():
        sys.exit("❌ Error: nothing is installed")
    given = words()
    scripts = {
        "notion-fetch-all": fetch,
        "notion-translate": translate,
        "notion-count-pages": count,
        "notion-status": move,
    }
    scripts[given.script](given)


if __name__ == "__main__":
    main()
