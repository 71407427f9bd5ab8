"""Authors list, check and try job types without an installation."""

import json
import subprocess
import tomllib
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
from processes import ROOT

import cli
from domain.jobs.jobs_file import json_schema, parse_job_types

TYPES = """
version = 1

[jobs.handbook]
description = "Build the handbook."
command = ["sh", "build.sh"]
context = "docs/handbook-{language}"
prepare = [{ command = ["echo", "prepared"] }]
output = "site"
patterns = [{ count = "^page ", as = "pages" }]

[jobs.handbook.options.language]
type = "string"
choices = ["de", "fr", "nothing"]
default = "de"
args = ["{value}"]

[jobs.missing]
command = ["python", "-m", "no_such_tool"]
"""
BUILD = """
echo page a
echo page b
[ $1 = nothing ] && { echo nothing is to do; exit 183; }
[ $1 = de ] || { echo 'Error: no fr'; exit 3; }
mkdir site
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "jobs.toml").write_text(TYPES, encoding="utf-8")
    return tmp_path / "jobs.toml"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "build.sh").write_text(BUILD, encoding="utf-8")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "."), (*author, "commit", "-qm", "first")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def called(*words: str) -> object:
    """The exit code of a command."""
    command, given, _ = cli.app.parse_args(words)
    result = command(*given.args, **given.kwargs)
    return cli.run(result) if hasattr(result, "send") else result


def test_each_job_type_is_listed_with_its_options_and_a_command(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    called("jobs", "list", str(file))
    out = capsys.readouterr().out
    assert "handbook: Build the handbook." in out
    assert "reportback submit handbook --repo OWNER/NAME --sha COMMIT -o language=de" in out
    assert "de or fr or nothing" in out
    assert "lacks    cannot start 'python -m no_such_tool': no_such_tool is not installed" in out


def test_programs_get_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    called("jobs", "list", str(file), "--json")
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == ["handbook", "missing"]


def test_a_file_is_checked_with_the_line_of_each_mistake(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called("jobs", "check", str(file)) == 0
    assert capsys.readouterr().out == "2 to run: handbook, missing\n"
    file.write_text(TYPES.replace("{language}", "{lang}"), encoding="utf-8")
    assert called("jobs", "check", str(file)) == 1
    assert f"{file}, line 7: jobs.handbook.context: allowed in braces" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        ([], (0, "prepared\npage a\npage b\nsuccess: succeeded in ")),
        (
            ["-o", "language=nothing"],
            (0, "prepared\npage a\npage b\nnothing is to do\nsuccess: skipped: nothing is to do\n"),
        ),
        (["-o", "language=fr"], (1, "prepared\npage a\npage b\nError: no fr\nfailure: exit code 3: Error: no fr\n")),
    ],
)
def test_a_job_type_runs_here_and_ends_as_on_its_commit(
    file: Path, repository: Path, words: list[str], ends: tuple[int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert called("jobs", "run", "handbook", "--repo", str(repository), "--file", str(file), *words) == ends[0]
    shown = capsys.readouterr()
    assert shown.out.startswith(ends[1])
    assert f"context docs/handbook-{words[1].partition('=')[2] if words else 'de'}" in shown.err
    assert sorted(path.name for path in repository.iterdir()) == [".git", "build.sh"]


def test_what_is_not_committed_is_said_not_to_count(
    file: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "build.sh").write_text("exit 9", encoding="utf-8")
    assert called("jobs", "run", "handbook", "--repo", str(repository), "--file", str(file)) == 0
    assert "not in the commit, and so not in the job: changes of 1 file\n" in capsys.readouterr().err


def test_a_module_that_is_missing_is_an_error_that_names_it(
    file: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called("jobs", "run", "missing", "--repo", str(repository), "--file", str(file)) == 2
    assert capsys.readouterr().out.startswith("error: cannot start 'python -m no_such_tool'")


def test_what_there_is_not_is_named(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no job type 'nope'; there are: handbook, missing"):
        called("jobs", "run", "nope", "--file", str(file))
    with pytest.raises(ValueError, match="is no git repository with a commit"):
        called("jobs", "run", "handbook", "--file", str(file), "--repo", str(tmp_path))


def test_the_schema_accepts_each_file_that_is_shipped() -> None:
    schema = jsonschema.Draft202012Validator(json_schema())
    for path in (ROOT / "jobs.toml", *(ROOT / "examples").glob("*/jobs.toml")):
        schema.validate(tomllib.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("findings", ["'a.sarif'", "['a.sarif', 'build/b.sarif']"])
def test_the_schema_accepts_a_path_alone_and_several(findings: str) -> None:
    job = f"version = 1\n[jobs.a]\ncommand = ['make']\nfindings = {findings}\nannotations = 0"
    jsonschema.validate(tomllib.loads(job), json_schema())
    assert parse_job_types(job, "jobs.toml")["a"].findings[0] == "a.sarif"


@pytest.mark.parametrize(
    "job",
    [
        "command = 'make'",
        "timeout = '5m'",
        "command = ['make']\ntimeout = 'soon'",
        "command = ['make']\nrecognise = ['nothing']",
        "command = ['make']\nnope = 1",
        "command = ['make']\nannotations = 51",
        "command = ['make']\nfindings = 3",
        "command = ['make']\n[jobs.a.options.b]\ntype = 'flag'",
    ],
)
def test_the_schema_refuses_what_an_editor_should_mark(job: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(f"version = 1\n[jobs.a]\n{job}"), json_schema())
