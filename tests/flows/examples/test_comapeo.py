"""CoMapeo's nine job types, started by `reportback submit`, end to end, with small scripts in place of theirs."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from example_files import sources
from example_rig import Example

HERE = Path(__file__).parent
BOT = "Docs bot <docs-bot@users.noreply.github.com>"

CASES: dict[str, tuple[tuple[str, ...], str, list[str]]] = {
    "fetch-one": (
        ("page-id=" + "0" * 31 + "3",),
        "1 page exported",
        ["docs/collect.md", "static/images/collect.svg"],
    ),
    "fetch-ready": (
        ("max-pages=2",),
        "2 pages exported",
        ["docs/install.md", "docs/introduction.md", "static/images/install.svg", "static/images/introduction.svg"],
    ),
    "fetch-all": (
        ("max-pages=3", "status-filter=Ready to publish", "include-removed=true"),
        "3 pages exported",
        ["docs/glossary.md", "static/images/glossary.svg"],
    ),
    "notion-count-pages": (("include-removed=true",), "6 pages", []),
    "notion-translate": ((), "1 page translated", ["i18n/de/exchange.md"]),
    "notion-status-translation": ((), "2 pages updated", []),
    "notion-status-draft": ((), "2 pages updated", []),
    "notion-status-publish": ((), "2 pages updated", []),
    "notion-status-publish-production": ((), "2 pages updated", []),
}
"""One after the other: options, what the commit shows of it, and what is new on the branch."""


@pytest.fixture
def comapeo(example: Callable[[str], Example], monkeypatch: pytest.MonkeyPatch) -> Example:
    """A repository whose main branch ignores the content, as CoMapeo's does, and whose branch `content` is empty."""
    monkeypatch.setenv("PATH", f"{HERE / 'path'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NOTION_API_KEY", "secret_of-notion")
    monkeypatch.setenv("CONTENT_PUSH_TOKEN", "a-token-that-may-push")
    made = example("comapeo")
    made.origin.commit("main", **sources(HERE / "comapeo"))
    made.origin.commit("content", _gitignore="/node_modules\n")
    return made


async def test_each_of_the_nine_types_ends_on_its_commit_and_its_content_on_the_branch(comapeo: Example) -> None:
    for job_type, (options, words, content) in CASES.items():
        sha = comapeo.origin.head("content") or ""
        shown = await comapeo.submitted(job_type, sha, *options)
        assert shown.run.shows[:2] == ("COMPLETED", "Completed"), (job_type, shown.run.shows)
        assert (job_type, shown.run.shows[2].rpartition(": ")[2]) == (job_type, words)
        assert (job_type, shown.states) == (job_type, ["pending", "success"])
        assert (job_type, shown.link.rpartition("/")[2]) == (job_type, str(shown.run.id))
        assert (job_type, shown.pushed) == (job_type, content)
    pushed = [line.partition(": update from ")[0] for line in comapeo.origin.history("content")[:-2]]
    assert pushed == [f"{BOT}: {name}" for name in ("notion-translate", "fetch-all", "fetch-ready", "fetch-one")]
    assert len(list((comapeo.rig.folder / "cache").iterdir())) == 1  # one install has served all


async def test_for_a_commit_that_ignores_the_content_the_push_is_an_error(comapeo: Example) -> None:
    shown = await comapeo.submitted("fetch-ready", comapeo.origin.head("main") or "")
    assert shown.states == ["pending", "error"]
    assert shown.run.shows[2] == "push failed: docs is ignored by .gitignore"
