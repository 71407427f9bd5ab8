"""Examples that install from a package registry by their lock file, then build."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from example_files import EXAMPLES, sources
from example_rig import Example
from flow_runs import log_of

COMAPEO = Path(__file__).parents[1] / "comapeo"

BUILDS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "sphinx": ((), {"index.html", "install.html"}),
    "mkdocs": ((), {"index.html", "install/index.html"}),
    "docusaurus": (("locale=en",), {"index.html", "install/index.html"}),
}
"""Options, and some of what is kept."""


def program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is missing: apt-get install {name}"
    return found


@pytest.mark.parametrize("name", BUILDS)
async def test_an_example_installs_builds_keeps_and_links(example: Callable[[str], Example], name: str) -> None:
    if name == "docusaurus":
        program("npm")
    options, files = BUILDS[name]
    made = example(name)
    shown = await made.submitted("handbook", made.origin.commit("main", **sources(EXAMPLES / name)), *options)
    assert shown.states == ["pending", "success"], shown.run.shows
    assert files <= set(shown.kept)
    assert shown.link == f"https://docs.example.com/preview/{shown.run.id}/"


async def test_an_environment_from_the_cache_builds_the_next_commit(example: Callable[[str], Example]) -> None:
    made = example("mkdocs")
    files = sources(EXAMPLES / "mkdocs")
    await made.submitted("handbook", made.origin.commit("main", **files))
    second = await made.submitted("handbook", made.origin.commit("main", docs__index_md="# Anew\n"))
    assert second.states == ["pending", "success"], second.run.shows
    assert await log_of(second.run.id, "taken from the cache")


@pytest.fixture
def bun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real one leads PATH."""
    folder = tmp_path / "bun"
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    install = (program("npm"), "install", "--no-audit", "--no-fund", "bun@1")
    subprocess.run(install, cwd=folder, check=True, capture_output=True)
    monkeypatch.setenv("PATH", f"{folder}/node_modules/.bin{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("bun")
async def test_a_fetch_of_comapeos_runs_on_bun_itself(
    example: Callable[[str], Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTION_API_KEY", "secret_of-notion")
    monkeypatch.setenv("CONTENT_PUSH_TOKEN", "a-token-that-may-push")
    made = example("comapeo")
    made.origin.commit("main", **sources(COMAPEO))
    shown = await made.submitted("fetch-ready", made.origin.commit("content", _gitignore="/node_modules\n"))
    assert shown.states == ["pending", "success"], shown.run.shows
    assert "docs/install.md" in shown.pushed
