"""`reportback doctor`: the command and its output."""

from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from shell import TOKEN, Shell
from world import World

from console.checks import prefect
from console.checks.prefect import Checked
from console.doctor import doctor
from fake_github.process import StandIn, running


@pytest.fixture
def no_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Prefect server answers, without a wait."""

    async def check(*_: object) -> Checked:
        return Checked([], None)

    monkeypatch.setattr(prefect, "check", check)


async def examined(repository: str | None = None, *, as_json: bool = False) -> int:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        return await doctor(repository=repository, as_json=as_json)


@pytest.mark.usefixtures("no_prefect")
async def test_each_thing_is_a_line_that_says_ok_or_what_to_do(world: World, shell: Shell, stand_in: StandIn) -> None:
    assert await examined() == 1
    out, err = shell.heard()
    lines = [line.split(":")[0].split(maxsplit=1) for line in out.splitlines()]
    assert [line for line in lines if line[1] not in ("disk", "TMPDIR")] == [
        ["ok", "settings"],
        ["ok", "job types"],
        ["ok", "ledger"],
        ["WRONG", "reconciliation"],
        ["ok", "GitHub"],
        ["ok", "clock"],
        ["ok", "repositories"],
        ["ok", "credential env"],
        ["ok", "job user"],
    ]
    assert str(world.ledger.place) in out
    assert stand_in.url in out
    assert (err, TOKEN in out) == ("", False)


JOBS = """version = 1
[jobs.links]
command = ["links"]
timeout = "soon"
[jobs.links.options.page]
type = "string"
args = ["{value}"]
pattern = '\\w\\Z'
"""


@pytest.mark.usefixtures("world", "stand_in", "no_prefect")
async def test_an_unusable_file_of_job_types_is_wrong_line_by_line(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "jobs.toml"
    monkeypatch.setenv("REPORTBACK_JOBS_FILE", str(file))
    assert await examined() == 1
    assert f"WRONG job types: {file} cannot be read: No such file or directory" in shell.said()
    file.write_text(JOBS)
    assert await examined() == 1
    said = shell.said()
    assert f"WRONG job types: {file}, line 4: jobs.links.timeout: " in said
    assert f"WRONG job types: {file}, line 8: jobs.links.options.page.pattern: " in said
    assert "RE2 cannot use this regular expression: it has no \\Z: write \\z" in said


async def test_unsound_settings_are_all_that_is_said(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_LEASE", "1s")
    assert await examined() == 1
    assert shell.said().startswith("WRONG settings: REPORTBACK_LEASE (0:00:01) must be at least twice")


@pytest.mark.usefixtures("world")
async def test_without_github_everything_else_is_still_looked_at(shell: Shell) -> None:
    assert await examined() == 1
    said = shell.said()
    assert "WRONG GitHub: http://127.0.0.1:9/ does not answer: ConnectError" in said
    assert "WRONG Prefect: the Prefect server at http://127.0.0.1:9/api cannot be reached" in said


@pytest.mark.usefixtures("no_prefect")
async def test_a_ledger_that_cannot_be_opened_is_wrong(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_DATABASE_URL", "sqlite:///relative.db")
    assert await examined() == 1
    assert "WRONG ledger: REPORTBACK_DATABASE_URL: 'relative.db' is relative" in shell.said()


@pytest.mark.usefixtures("world", "stand_in")
async def test_certificates_that_cannot_be_read_are_one_sentence(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    assert await examined() == 1
    said = shell.said()
    assert (
        f"WRONG GitHub: the certificates that SSL_CERT_FILE ({tmp_path}/none.pem) names cannot be read: No such" in said
    )
    assert "WRONG Prefect: " in said


@pytest.mark.usefixtures("world", "stand_in", "no_prefect")
async def test_a_credential_without_a_token_is_wrong(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPORTBACK_GITHUB_TOKEN")
    assert await examined() == 1
    assert (
        "WRONG credential env:REPORTBACK_GITHUB_TOKEN: The environment variable REPORTBACK_GITHUB_TOKEN holds no"
        in (shell.said())
    )


@pytest.mark.usefixtures("world", "stand_in", "no_prefect")
@pytest.mark.parametrize(
    ("repository", "words"),
    [
        ("acme/site", "ok repository acme/site: the owner of env:TOKEN_OF_ACME may write there"),
        ("other/site", "WRONG repository other/site: REPORTBACK_CREDENTIALS names no credential for it"),
    ],
)
async def test_a_repository_is_asked_for_with_its_own_credential(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, *, repository: str, words: str
) -> None:
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", '{"acme/*": "env:TOKEN_OF_ACME"}')
    monkeypatch.setenv("TOKEN_OF_ACME", TOKEN)
    assert await examined(repository) == 1
    assert words in shell.said()


@pytest.mark.usefixtures("world", "no_prefect")
@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (("--bad-token", TOKEN), "GitHub answers 401 to env:REPORTBACK_GITHUB_TOKEN: Bad credentials"),
        (("--reader", TOKEN), "env:REPORTBACK_GITHUB_TOKEN may read it, not write there"),
        (("--archived", "acme/site"), "it is archived: unarchive it, or stop running jobs for it"),
        (("--repository", "acme/other"), "GitHub answers 404 to env:REPORTBACK_GITHUB_TOKEN: Not Found"),
    ],
)
async def test_a_repository_that_may_not_be_written_to_is_wrong_and_nothing_is_written(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, *, rule: tuple[str, str], words: str
) -> None:
    async with running(*rule) as stand_in:
        monkeypatch.setenv("REPORTBACK_GITHUB_API_URL", stand_in.url)
        assert await examined("acme/site") == 1
        assert {seen["method"] for seen in await stand_in.requests()} == {"GET"}
    said = shell.said()
    assert f"WRONG repository acme/site: {words}" in said
    is_bad = rule[0] == "--bad-token"
    assert ("WRONG credential env:REPORTBACK_GITHUB_TOKEN: GitHub does not accept its token" in said) is is_bad
    assert TOKEN not in said


@pytest.mark.usefixtures("world", "no_prefect")
async def test_a_program_gets_the_same(shell: Shell) -> None:
    assert await examined(as_json=True) == 1
    found = shell.json()
    assert found[0] == {"what": "settings", "ok": True, "words": "sound"}
    assert [one["ok"] for one in found if one["what"] in ("GitHub", "reconciliation", "ledger")] == [True, False, False]
