"""jobs.toml: valid declarations, and the error for each mistake."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import BadJobsFile, parse_job_types
from domain.jobs.options import BadOptions

DEEP = "[" * 3000 + "]" * 3000

ROOT = Path(__file__).parents[3]


def job(fields: str = "") -> JobType:
    return parse_job_types(f'version = 1\n[jobs.site]\ncommand = ["make"]\n{fields}', "jobs.toml")["site"]


def refusal(text: str) -> str:
    with pytest.raises(BadJobsFile) as refused:
        parse_job_types(text, "jobs.toml")
    return str(refused.value)


def test_an_omitted_field_has_its_default() -> None:
    site = job()
    assert (site.timeout, site.context, site.env, site.exclusive) == (timedelta(minutes=5), "docs/site", (), None)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("90", 90), ("0.5", 0.5), ('"90s"', 90), ('"5m"', 300), ('"2h"', 7200), ('"1h30m"', 5400), ("7200", 7200)],
)
def test_a_time_limit_is_seconds_or_a_text_with_units(written: str, meant: float) -> None:
    assert job(f"timeout = {written}").timeout == timedelta(seconds=meant)


@pytest.mark.parametrize("written", ["0", "-1", '"0s"', "7200.1", '"2h1s"', "inf", "nan", "true", '""', '"5 m"', "[5]"])
def test_a_time_limit_beyond_two_hours_or_none_at_all_is_refused(written: str) -> None:
    assert "line 4: jobs.site.timeout: " in refusal(f'version = 1\n[jobs.site]\ncommand = ["a"]\ntimeout = {written}')


@pytest.mark.parametrize(
    "name", ["GITHUB_TOKEN", "gh_token", "REPORTBACK_GITHUB_TOKEN", "reportback_x", "PREFECT_API_KEY"]
)
def test_a_job_can_never_be_allowed_our_secrets(name: str) -> None:
    told = refusal(f'version = 1\n[jobs.site]\ncommand = ["a"]\nenv = ["LANG", "{name}"]')
    assert f"line 4: jobs.site.env: a job never sees {name}" in told


def test_every_problem_names_file_line_field_and_allowed_values() -> None:
    told = refusal("""version = 1
[jobs.site]
comand = ["make"]
timeout = "3h"

[jobs."bad name"]
command = []

[jobs.api.options.depth]
type = "integer"
minimum = 1
step = 2
args = ["{value}"]
""").splitlines()
    expected = [
        "jobs.toml, line 2: jobs.site.command: is missing",
        "jobs.toml, line 4: jobs.site.timeout: '3h' is out of bounds; allowed: more than 0 and at most 2h",
        (
            "jobs.toml, line 3: jobs.site.comand: unknown field; allowed: description, command, options, timeout, env, "
            "exclusive, context, success_codes, skip_codes, paths, checkout, prepare, output, output_url, push, "
            "limits, findings, annotations, recognise, patterns"
        ),
        "jobs.toml, line 6: jobs.bad name.name: has to match the regular expression ^[a-z0-9]+(-[a-z0-9]+)*$",
        "jobs.toml, line 7: jobs.bad name.command: must not be empty",
        "jobs.toml, line 9: jobs.api.options.depth.maximum: is missing",
        (
            "jobs.toml, line 12: jobs.api.options.depth.step: unknown field; allowed: description, args, required, "
            "type, minimum, maximum, default"
        ),
        "jobs.toml, line 9: jobs.api.command: is missing",
    ]
    assert sorted(told) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version = 1\n[jobs", "jobs.toml: not TOML: "),
        ("", "jobs.toml, line 1: version: is missing"),
        ("version = 2\n[jobs.a]\ncommand=['a']", "jobs.toml, line 1: version: has to be 1"),
        ("version = 1\njobs = 3", "jobs.toml, line 2: jobs: "),
        ("version = 1\n[jobs]", "jobs.toml, line 2: jobs: "),
        ("version = 1\n[jobs]\nsite = 3", "jobs.toml, line 3: jobs.site: "),
        ("version = 1\nextra = 3\n[jobs.a]\ncommand=['a']", "line 2: extra: unknown field; allowed: version, jobs"),
        ("version = 1\n[jobs.a]\ncommand='make all'", "line 3: jobs.a.command: "),
        ('version = 1\n[jobs.a]\ncommand=["a\\u0000"]', "line 3: jobs.a.command"),
        ("version = 1\n[jobs.a]\ncommand=['a']\ncontext=\"a\\nb\"", "line 4: jobs.a.context: must be one line"),
        ("version = 1\n[jobs.a]\ncommand=['a']\ncontext=''", "line 4: jobs.a.context: "),
        (f"version = 1\n[jobs.a]\ncommand=['a']\ncontext='{'c' * 256}'", "line 4: jobs.a.context: "),
        (
            f"version = 1\n[jobs.a]\ncommand=['a']\ncontext='{'İ' * 128}'",
            "line 4: jobs.a.context: must have at most 255",
        ),
        ("version = 1\n[jobs.a]\ncommand=['a']\n[jobs.a.options.b]\ntype='path'", "line 4: jobs.a.options.b: "),
        (f"version = 1\n[jobs.a]\ncommand={DEEP}", "line 3: too many brackets or braces within one another"),
        (f"version = 1\nb = '{DEEP}'  # {DEEP}\na = " + "[\n" * 3000, "line 53: too many brackets"),
        (f"version = 1\njobs = {'{a=' * 3000}1{'}' * 3000}", "line 2: too many brackets or braces"),
        (f"version = 1\n[jobs.{'.'.join('a' * 20_000)}]", "line 2: jobs.a.a: unknown field"),
        (f"version = {'9' * 5000}", "jobs.toml: not TOML: "),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(text: str, told: str) -> None:
    assert told in refusal(text)


def test_a_file_that_is_not_utf_8_is_refused_by_its_line() -> None:
    with pytest.raises(BadJobsFile, match=r"^jobs.toml, line 2: not UTF-8: write it in UTF-8$"):
        parse_job_types("version = 1\n# für alle\n".encode("latin-1"), "jobs.toml")
    assert list(parse_job_types("version = 1  # für alle\n[jobs.a]\ncommand=['a']".encode(), "jobs.toml")) == ["a"]


def test_arguments_follow_the_command_in_the_order_of_declaration() -> None:
    site = job("""
[jobs.site.options.draft]
type = "flag"
args = ["--draft"]
[jobs.site.options.builder]
type = "string"
choices = ["html", "text"]
default = "html"
args = ["-b", "{value}"]
""")
    assert site.argv({}) == ("make", "-b", "html")
    assert site.argv({"builder": "text", "draft": True}) == ("make", "--draft", "-b", "text")
    with pytest.raises(BadOptions, match="builder must be one of html, text, not 'pdf'"):
        site.completed({"builder": "pdf"})


@pytest.mark.parametrize("file", ["jobs.toml", "demo/jobs.toml"])
def test_the_files_that_we_ship_can_be_used(file: str) -> None:
    for shipped in parse_job_types((ROOT / file).read_text(encoding="utf-8"), file).values():
        assert shipped.argv({})[0] == "python"


@pytest.mark.parametrize("content", ["\ufeff{}", "\ufeff{}".encode()])
def test_a_byte_order_mark_is_read(content: str | bytes) -> None:
    text = "version = 1\n[jobs.a]\ncommand=['a']\n"
    written = content.format(text) if isinstance(content, str) else content.replace(b"{}", text.encode())
    assert list(parse_job_types(written, "jobs.toml")) == ["a"]


@pytest.mark.parametrize("path", ["../lint.sarif", "/etc/lint.sarif", "build/../../x", ".git/config", "./a.sarif", ""])
def test_a_file_of_findings_lies_in_the_working_copy(path: str) -> None:
    with pytest.raises(ValidationError, match=r"working copy|git's own|at least 1 character"):
        JobType.model_validate({"name": "a", "command": ["make"], "findings": path})
