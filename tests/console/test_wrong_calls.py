"""What a person types wrongly: one sentence says what is wrong and what to do, the exit code is 2, nothing is done."""

import subprocess
import sys
from pathlib import Path

import pytest
from repositories import commit, new_repository

import cli
from console.doctor import findings

LISTED = "see `reportback reports list --help`"
TYPES = "version = 1\n[jobs.handbook]\ncommand = ['true']\n"

CALLS: dict[str, tuple[str, ...]] = {
    "fly": ("there is no command 'fly'", "see `reportback --help`"),
    "submti handbook": ("there is no command 'submti' (did you mean submit?)", "see `reportback --help`"),
    "reports lst": ("there is no command 'lst' (did you mean list?)", "see `reportback reports --help`"),
    "reports list --undeliverd": ("no option --undeliverd (did you mean --undelivered?)", LISTED),
    "reports list --no-rejected": ("no option --no-rejected (did you mean --rejected?)", LISTED),
    "reports list --limit 0": ("--limit: '0' is not allowed: it has to be at least 1", LISTED),
    "reports list --limit many": ("--limit: 'many' is not a whole number", LISTED),
    "reports list --limit": ("--limit needs a value", LISTED),
    "reports list --limit 1 --limit 2": ("--limit is given twice", LISTED),
    "reports list --reason idle": ("--reason: 'idle' is not one of bad-request, ", LISTED),
    "reports list --reason archivd": ("(did you mean archived?)", LISTED),
    "reports list --state done": ("--state: 'done' is not one of pending, success, failure, error", LISTED),
    "reports list --since yesterday": (
        "'yesterday' is not a span such as 90s, 10m, 2h or 3d or a time such as",
        LISTED,
    ),
    "reports list --job 17": ("--job: '17' is not the id of a flow run", LISTED),
    "reports list all": ("`reportback reports list` takes no 'all'", LISTED),
    "reports show": ("REPORT is missing", "see `reportback reports show --help`"),
    "reports show abc": ("REPORT: 'abc' is not a whole number or the id of a flow run", "reports show --help"),
    "reports retry": ("nothing was selected: name reports, or",),
    "runs list --limit -1": (
        "--limit: '-1' is not allowed: it has to be at least 1",
        "see `reportback runs list --help`",
    ),
    "jobs run": ("TYPE is missing", "see `reportback jobs run --help`"),
    "jobs run handbok --file {jobs}": ("there is no job type 'handbok'", "there are: handbook"),
    "jobs run handbook --file {jobs} --repo {empty}": ("is no git repository with a commit", "--repo names one"),
    "jobs run handbook --file {jobs} --repo {repo} -o x=1": ("x",),
    "jobs list {none}": ("none.toml cannot be read: No such file or directory", "REPORTBACK_JOBS_FILE names another"),
    "jobs list {bad}": ("jobs.handbook.comand: unknown field; allowed: description, command", "is missing"),
    "jobs retry --state waiting": ("",),
    "init --repo {none}": ("is no folder", "--repo names one"),
    "init --repo {repo}": ("no documentation tool was found", "Name the command"),
    "init --repo {repo} --command ''": ("--command is empty", "such as --command 'make html'"),
    "up --repo {empty}": ("is no git repository with a commit", "--repo names one"),
    "up --repo {repo}": ("there is no", "`reportback init --repo", "writes one"),
    "up extra": ("`reportback up` takes no 'extra'", "see `reportback up --help`"),
    "submit": ("TYPE is missing", "see `reportback submit --help`"),
    "submit handbook": ("--repo and --sha are needed",),
    "submit handbook --repo site --sha abc": ("--repo: has to be a repository, as owner/name, not 'site'",),
    "submit handbook --repo a/b --sha {sha} --since abc": ("--since: has to be a commit's whole hash", "not 'abc'"),
    "submit handbook --repo a/b --sha {sha} --url ftp://x": ("--url: ", "not 'ftp://x'"),
    "drain --timeout soon": ("--timeout: 'soon' is not a span such as 90s, 10m, 2h or 3d", "drain --help"),
    "db move": ("--to is missing", "see `reportback db move --help`"),
    "db move --to": ("--to needs a value", "see `reportback db move --help`"),
    "credentials resume": ("NAME is missing", "see `reportback credentials resume --help`"),
    "import": ("FOLDER is missing", "see `reportback import --help`"),
}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Files and folders that the calls name; the ledger is one that no call may make."""
    repository = new_repository(tmp_path / "repo")
    sha = commit(repository, README_md="hello\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "jobs.toml").write_text(TYPES)
    (tmp_path / "bad.toml").write_text(TYPES.replace("command", "comand"))
    monkeypatch.setenv("REPORTBACK_DATABASE_URL", f"sqlite:///{tmp_path}/ledger.db")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.delenv("REPORTBACK_JOBS_FILE", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setattr(cli, "make_non_dumpable", lambda: None)  # of the test's own process
    names = {name: str(tmp_path / name) for name in ("repo", "empty")}
    files = {"jobs": "jobs.toml", "bad": "bad.toml", "none": "none.toml"}
    return {**names, **{name: str(tmp_path / file) for name, file in files.items()}, "sha": sha}


def refused(words: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on stderr of a call that has to be refused."""
    monkeypatch.setattr(sys, "argv", ["reportback", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    shown = capfd.readouterr()
    assert (ended.value.code, shown.out) == (2, "")
    return shown.err.splitlines()


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_call_is_one_sentence(
    call: str, places: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["" if word == "''" else word.format_map(places) for word in call.split()]
    lines = refused(words, monkeypatch, capfd)
    assert all(line.startswith("reportback: ") for line in lines), lines
    assert len(lines) == (2 if "{bad}" in call else 1)
    for said in CALLS[call]:
        assert said in "\n".join(lines)
    assert not Path(places["repo"]).with_name("ledger.db").exists()


SETTINGS: dict[str, tuple[str, str]] = {
    "LEASE": ("soon", 'REPORTBACK_LEASE: has to be a span, such as "90s", "5m", "1h30m" or "30d"'),
    "SENDERS": ("65", "REPORTBACK_SENDERS: has to be at most 64"),
    "KEEP_OUTPUTS": ("many", "REPORTBACK_KEEP_OUTPUTS: has to be a whole number"),
    "ALLOW_HTTP": ("perhaps", "REPORTBACK_ALLOW_HTTP: has to be true or false"),
    "GITHUB_API_URL": ("api.github.com", "REPORTBACK_GITHUB_API_URL: has to be an address, such as https://"),
    "KEEP": ("1h", "REPORTBACK_KEEP: has to be at least 24 h"),
    "JOBS_FILE": ("jobs.toml", "REPORTBACK_JOBS_FILE must be absolute"),
    "LEESE": ("30s", "REPORTBACK_LEESE is no setting, so that it changes nothing: perhaps REPORTBACK_LEASE is meant"),
    "XYZ": ("1", "REPORTBACK_XYZ is no setting, so that it changes nothing: docs/configuration.md lists all"),
}


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("command", ["up", "deploy"])
@pytest.mark.parametrize("name", SETTINGS)
def test_a_wrong_setting_is_a_line_before_anything_starts(
    name: str, command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    value, words = SETTINGS[name]
    monkeypatch.setenv(f"REPORTBACK_{name}", value)
    (line,) = refused([command], monkeypatch, capfd)
    assert line.startswith(f"reportback: {words}")


@pytest.mark.parametrize("command", ["up", "deploy"])
def test_a_wrong_line_of_jobs_toml_is_a_line_before_anything_starts(
    command: str, places: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REPORTBACK_JOBS_FILE", places["bad"])
    missing, unknown = refused([command], monkeypatch, capfd)
    assert missing == f"reportback: {places['bad']}, line 2: jobs.handbook.command: is missing"
    assert unknown.startswith(f"reportback: {places['bad']}, line 3: jobs.handbook.comand: unknown field; allowed: ")


def test_a_variable_that_a_credential_names_is_a_setting(
    places: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", '{"acme/*": "env:REPORTBACK_ACME"}')
    for name in ("ACME", "GITHUB_TOKEN"):
        monkeypatch.setenv(f"REPORTBACK_{name}", "t")
    (line,) = refused(["up", "--repo", places["empty"]], monkeypatch, capfd)
    assert "is no git repository" in line


@pytest.mark.usefixtures("places")
async def test_doctor_names_a_variable_that_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_LEESE", "30s")
    first = await anext(findings(None))
    assert (first.what, first.ok) == ("settings", False)
    assert "perhaps REPORTBACK_LEASE is meant" in first.words


def test_an_error_needs_no_prefect_to_be_said() -> None:
    words = "import sys, console.problems, console.refusals.wrong_call; sys.exit('prefect' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", words], cwd=cli.__file__.rpartition("/")[0], check=False).returncode == 0
    )
