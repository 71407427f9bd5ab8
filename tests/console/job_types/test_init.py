"""`reportback init` writes a first jobs.toml by what is in a repository, and tries it."""

from pathlib import Path
from typing import Any

import pytest
from repositories import commit, new_repository

import cli
from console.job_types.found_tools import as_toml, found_tools, own_command
from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import parse_job_types

SPHINX_CONF = 'extensions = ["sphinx.ext.autodoc", "myst_parser"]\nhtml_theme = "furo"\n'

EXTRA = '[project]\nname = "acme"\n[project.optional-dependencies]\ndocs = ["x"]'

TREES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "Sphinx with requirements": (
        {"docs/conf.py": SPHINX_CONF, "docs/requirements.txt": "Sphinx==9\n"},
        {
            "name": "sphinx",
            "command": (".venv/bin/python", "-m", "sphinx", "-b", "html", "docs", "build/site"),
            "installs": "--requirement docs/requirements.txt",
            "key": ("docs/requirements.txt",),
            "output": "build/site",
        },
    ),
    "Sphinx in docs/source": (
        {"docs/source/conf.py": SPHINX_CONF, "docs/requirements.txt": "sphinx\n"},
        {"name": "sphinx", "installs": "--requirement docs/requirements.txt"},
    ),
    "Sphinx without requirements": (
        {"conf.py": SPHINX_CONF, "requirements.txt": "flask\n"},
        {"name": "sphinx", "installs": "sphinx myst-parser furo", "key": None},
    ),
    "Sphinx with an extra of the package": (
        {"conf.py": 'extensions = ["sphinxcontrib.log_cabinet", "acme"]', "pyproject.toml": EXTRA},
        {"name": "sphinx", "installs": "sphinx sphinxcontrib-log-cabinet '.[docs]'"},
    ),
    "MkDocs with a dependency group": (
        {"mkdocs.yml": "", "pyproject.toml": '[dependency-groups]\ndocs = ["a>=1", {include-group = "b"}]'},
        {"name": "mkdocs", "installs": "mkdocs 'a>=1'"},
    ),
    "a conf.py that is not Sphinx's": (
        {"tests/conf.py": "A = 1\n", "mkdocs.yml": "site_name: a\n"},
        {"name": "mkdocs"},
    ),
    "MkDocs": ({"mkdocs.yml": "site_name: a\n"}, {"name": "mkdocs", "installs": "mkdocs", "output": "site"}),
    "MkDocs Material elsewhere": (
        {"handbook/mkdocs.yml": "site_dir: ../public\ntheme:\n  name: material\n"},
        {"name": "mkdocs", "installs": "mkdocs-material", "output": "public"},
    ),
    "Docusaurus in a folder": (
        {"website/docusaurus.config.ts": "", "website/package.json": "{}", "website/package-lock.json": "{}"},
        {
            "name": "docusaurus",
            "command": ("npm", "--prefix", "website", "run", "build"),
            "installs": "npm --prefix website ci",
            "key": ("website/package-lock.json",),
            "output": "website/build",
        },
    ),
    "Docusaurus with pnpm": (
        {"docusaurus.config.js": "", "package.json": "{}", "pnpm-lock.yaml": ""},
        {"name": "docusaurus", "command": ("pnpm", "run", "build"), "installs": "pnpm install --frozen-lockfile"},
    ),
    "Hugo": ({"hugo.toml": ""}, {"name": "hugo", "command": ("hugo", "--source", "."), "output": "public"}),
    "Hugo's old name": ({"site/config.toml": 'baseURL = "/"'}, {"name": "hugo", "output": "site/public"}),
    "mdBook": (
        {"guide/book.toml": '[build]\nbuild-dir = "out"\n'},
        {"name": "mdbook", "command": ("mdbook", "build", "guide"), "output": "guide/out"},
    ),
    "an npm script": (
        {"package.json": '{"scripts": {"build": "vite", "docs:build": "vitepress build"}}'},
        {"name": "npm", "command": ("npm", "run", "docs:build"), "installs": "npm install", "output": None},
    ),
    "a yarn script": (
        {"package.json": '{"scripts": {"build": "x"}}', "yarn.lock": ""},
        {"name": "npm", "command": ("yarn", "run", "build"), "installs": "yarn install --frozen-lockfile"},
    ),
}


def first_type(files: dict[str, str]) -> JobType:
    """The first job type of the file that would be written."""
    text = as_toml(found_tools(list(files), files.__getitem__))
    return next(iter(parse_job_types(text, "jobs.toml").values()))


@pytest.mark.parametrize("tree", TREES)
def test_a_tool_is_recognised_by_its_files(tree: str) -> None:
    files, expected = TREES[tree]
    found = first_type(files)
    steps = " ".join(word for step in found.prepare for word in step.command)
    assert expected.pop("installs", "") in steps
    if "key" in expected:
        key = expected.pop("key")
        assert [step.cache and step.cache.key for step in found.prepare] == [key]
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize("files", [{}, {"package.json": "no JSON"}, {"package.json": '{"scripts": []}'}, {"a.md": ""}])
def test_nothing_is_recognised_by_other_files(files: dict[str, str]) -> None:
    assert found_tools(list(files), files.__getitem__) == []


def test_every_tool_gets_a_job_type_and_the_nearest_file_decides() -> None:
    files = {
        "a/b/mkdocs.yml": "",
        "docs/mkdocs.yml": "",
        "conf.py": SPHINX_CONF,
        "package.json": '{"scripts": {"docs": ""}}',
    }
    found = found_tools(list(files), files.__getitem__)
    assert [(one.name, one.file) for one in found] == [("mkdocs", "docs/mkdocs.yml"), ("sphinx", "conf.py")]


@pytest.mark.parametrize("word", ['a "b"', "back\\slash", "tab\there", "\x7f", "ü", "'''", '"""'])
def test_any_word_of_a_command_is_written_as_toml(word: str) -> None:
    (made,) = parse_job_types(as_toml([own_command(["echo", word])]), "jobs.toml").values()
    assert made.command == ("echo", word)


def called(*words: str) -> object:
    """The exit code of a command."""
    command, given, _ = cli.app.parse_args(words)
    return cli.run(command(*given.args, **given.kwargs))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = new_repository(tmp_path / "handbook")
    commit(folder, README_md="hello\n")
    return folder


def test_it_writes_the_file_and_tries_it(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert called("init", "--repo", str(repository), "--command", "cat README.md") == 0
    shown = capfd.readouterr()
    assert "hello\n" in shown.out
    assert "success: succeeded in " in shown.out
    assert f"make up REPO={repository}" in shown.err
    assert [*parse_job_types((repository / "jobs.toml").read_bytes(), "jobs.toml")] == ["docs"]


def test_what_fails_says_which_file_to_correct(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert called("init", "--repo", str(repository), "--command", "cat nothing") == 1
    shown = capfd.readouterr()
    assert "failure: exit code 1" in shown.out
    assert (
        f"Correct {repository}/jobs.toml, then try again: `reportback jobs run docs --repo {repository}`" in shown.err
    )


def test_it_can_only_write(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert called("init", "--repo", str(repository), "--command", "cat nothing", "--no-run") == 0
    assert capfd.readouterr().out == f"docs: as named, runs `cat nothing`\nWritten: {repository}/jobs.toml\n"


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ([], "no documentation tool was found in the latest commit"),
        (["--command", " "], "--command is empty"),
        (["--command", "echo 'a"], "--command cannot be read: No closing quotation"),
    ],
)
def test_it_writes_nothing_where_it_knows_no_command(repository: Path, words: list[str], refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        called("init", "--repo", str(repository), *words)
    assert {path.name for path in repository.iterdir()} == {".git", "README.md"}


def test_a_file_that_is_there_is_left_alone(repository: Path) -> None:
    (repository / "jobs.toml").write_text("mine\n")
    with pytest.raises(ValueError, match="is there already"):
        called("init", "--repo", str(repository), "--command", "true")
    assert (repository / "jobs.toml").read_text() == "mine\n"
