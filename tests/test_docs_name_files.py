"""Each file, folder and module of this project that a document names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/README.md")]
PACKAGES = {path.parent.name for path in ROOT.glob("*/__init__.py")}
FOLDERS = "|".join(sorted(PACKAGES | {"tests", "examples", "ops", "requirements"}))  # docs/ is also a user's own folder
PACKAGE = "|".join(sorted(PACKAGES))
SPECIFICATION = {
    "tests/scenarios/interleavings/test_counterexamples.py",
    "tests/scenarios/crashes/test_crashes.py",
    "tests/delivery/test_review_cases.py",
    "tests/delivery/test_read_back.py",
    "tests/scenarios/replies/test_lost_and_lying_replies.py",
    "tests/storage/delivery/test_leases.py",
    "tests/github_api/test_classify.py",
    "tests/domain/delivery/test_settlement.py",
    "tests/scenarios/interleavings/test_order.py",
}


def named(pattern: str, *, pages: list[Path] = PAGES) -> list[tuple[str, str]]:
    """The document and what it names, for each match of *pattern*."""
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    return sorted({(str(page.relative_to(ROOT)), name) for page in texts for name in re.findall(pattern, texts[page])})


def is_defined(name: str, file: Path) -> bool:
    """Whether the module in *file* has a function, class or constant of that name."""
    defined = rf"^(?:(?:async )?def |class )?{name}\b"
    return file.is_file() and re.search(defined, file.read_text(encoding="utf-8"), re.MULTILINE) is not None


@pytest.mark.parametrize(("page", "path"), named(rf"(?<![\w/.{{-])((?:{FOLDERS})/[\w./-]*[\w/])"))
def test_a_path_that_a_document_names_is_there(page: str, path: str) -> None:
    assert (ROOT / path).exists(), f"{page} names {path}"


@pytest.mark.parametrize(("page", "module"), named(rf"(?<![\w/.-])((?:{PACKAGE})(?:\.[a-z_]+)+)"))
def test_a_module_that_a_document_names_is_there(page: str, module: str) -> None:
    path = ROOT / module.replace(".", "/")
    is_module = path.is_dir() or path.with_suffix(".py").is_file()
    assert is_module or is_defined(path.name, path.parent.with_suffix(".py")), f"{page} names {module}"


@pytest.mark.parametrize(("page", "link"), named(r"\]\(((?!https?:)[\w./-]+)"))
def test_a_link_of_a_document_leads_to_a_file(page: str, link: str) -> None:
    assert ((ROOT / page).parent / link).exists(), f"{page} links to {link}"


def headings(page: Path) -> set[str]:
    """The anchors of the headings of *page*, as GitHub and MyST make them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(("page", "link"), named(r"\]\(((?!https?:)[\w./-]*#[\w-]+)\)"))
def test_an_anchor_of_a_document_is_a_heading(page: str, link: str) -> None:
    path, _, anchor = link.partition("#")
    assert anchor in headings((ROOT / page).parent / path if path else ROOT / page), f"{page} links to {link}"


@pytest.mark.parametrize("page", ["README.md", "docs/guarantee.md"])
def test_the_files_of_tests_that_are_the_specification_are_linked(page: str) -> None:
    links = {link.rpartition("tests/")[2] for _, link in named(r"\]\(([^)]+)\)", pages=[ROOT / page])}
    assert {path.removeprefix("tests/") for path in SPECIFICATION} - links == set()
