"""Settings are validated as a whole at start, and never show a secret."""

import json
import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.process.job_user import Ids
from settings import ROOT, Settings

TOKEN = "ghp_" + "a1B2" * 9
TEXTS = [name.upper() for name in Settings.model_fields]


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("REPORTBACK_")]:
        monkeypatch.delenv(name)


def refused(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    """Why settings of these variables are refused."""
    for name, value in variables.items():
        monkeypatch.setenv(f"REPORTBACK_{name}", value)
    with pytest.raises(ValueError) as why:  # noqa: PT011  # pydantic's and pydantic-settings' own, told apart by their words
        Settings()
    return str(why.value)


def test_without_any_variable_the_defaults_are_sound() -> None:
    settings = Settings()
    assert settings.policy.lease == timedelta(seconds=30)
    assert settings.policy.timeout == timedelta(seconds=15)
    assert settings.policy.settle_after == timedelta(seconds=20)
    assert str(settings.github_api_url).rstrip("/") == "https://api.github.com"
    assert settings.jobs_file == ROOT / "jobs.toml"
    assert settings.local_file_systems == ()


UNSOUND = [
    ({"LEASE": "29s"}, "REPORTBACK_LEASE (0:00:29) must be at least twice REPORTBACK_TIMEOUT (0:00:15)"),
    ({"TIMEOUT": "16s"}, "REPORTBACK_LEASE (0:00:30) must be at least twice REPORTBACK_TIMEOUT (0:00:16)"),
    ({"TIMEOUT": "9s"}, "REPORTBACK_TIMEOUT must be at least 0:00:10: GitHub may take that long to answer"),
    ({"SETTLE_AFTER": "14s"}, "REPORTBACK_SETTLE_AFTER (0:00:14) must be at least 0:00:15"),
    ({"PASS_BUDGET": "61s"}, "REPORTBACK_PASS_BUDGET (0:01:01) must not exceed REPORTBACK_INTERVAL (0:01:00)"),
    ({"INTERVAL": "49s"}, "REPORTBACK_PASS_BUDGET (0:00:50) must not exceed REPORTBACK_INTERVAL (0:00:49)"),
    ({"JOBS_FILE": "jobs.toml"}, "REPORTBACK_JOBS_FILE must be absolute: flows run in a temporary folder"),
    ({"OUTPUT_DIR": "output"}, "REPORTBACK_OUTPUT_DIR must be absolute: flows run in a temporary folder"),
    ({"CACHE_DIR": "cache"}, "REPORTBACK_CACHE_DIR must be absolute: flows run in a temporary folder"),
    ({"CA_FILE": "ca.pem"}, "REPORTBACK_CA_FILE must be absolute: flows run in a temporary folder"),
    ({"KEEP_OUTPUTS": "0"}, "greater than or equal to 1"),
    ({"KEEP_OUTPUTS_FOR": "0d"}, "keep_outputs_for"),
    ({"CACHE_SIZE": "10 GB"}, 'is no size; allowed: bytes, or a text such as "512K", "64M" or "2G"'),
    ({"KEEP": "23h"}, "greater than or equal to datetime.timedelta(days=1)"),
    ({"SENDERS": "0"}, "greater than or equal to 1"),
    ({"SENDERS": "65"}, "less than or equal to 64"),
    ({"LEASE": "0"}, "lease"),
    ({"FIRST_DELAY": "2d"}, "first_delay"),
    ({"FIRST_DELAY": "25h"}, "less than or equal to datetime.timedelta(days=1)"),
    ({"GITHUB_API_URL": "api.github.com"}, "github_api_url"),
    ({"CLONE_URL": "https://git.example.com/{owner}/{name}.git"}, "REPORTBACK_CLONE_URL may hold {repository}"),
    ({"CLONE_URL": "https://git.example.com/{repository"}, "REPORTBACK_CLONE_URL may hold {repository}"),
    ({"CLONE_URL": "https://git.example.com/{}"}, "REPORTBACK_CLONE_URL may hold {repository}"),
    ({"CLONE_URL": "https://user:pass@git.example.com/{repository}"}, "REPORTBACK_CLONE_URL must hold no token"),
    ({"CLONE_URL": "https://token@git.example.com/{repository}"}, "REPORTBACK_CLONE_URL must hold no token"),
    ({"CLONE_URL": "http://git.example.com/{repository}"}, "REPORTBACK_CLONE_URL is plain http://"),
    ({"GITHUB_API_URL": "http://ghe.example.com/api/v3"}, "REPORTBACK_GITHUB_API_URL is plain http://"),
    ({"GITHUB_API_URL": "http://localhost.example.com"}, "set REPORTBACK_ALLOW_HTTP=true where the network is yours"),
    ({"ALLOWED_REPOSITORIES": "acme"}, "'acme' means no repository; allowed: owner/name or patterns such as acme/*"),
    ({"ALLOWED_REPOSITORIES": "acme/* https://x/y"}, "REPORTBACK_ALLOWED_REPOSITORIES: 'https://x/y' means no"),
    ({"GITHUB_API_URL": "https://ann:pw@ghe.example.com"}, "REPORTBACK_GITHUB_API_URL must hold no user or password"),
    *[({"JOB_USER": text}, "REPORTBACK_JOB_USER") for text in ("70000 70001", "null!", "0", "[1]")],
    *[({"FIRST_DELAY": text}, "first_delay") for text in ("soon", "5 minutes", "-5s", "1h30")],
]


@pytest.mark.parametrize(("variables", "reason"), UNSOUND)
def test_an_invalid_setting_is_refused_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], reason: str
) -> None:
    assert reason in refused(monkeypatch, **variables)


FILE_SYSTEMS = ("fuse.mergerfs,fuseblk", "fuse.mergerfs fuseblk", " fuse.mergerfs, fuseblk ")
SPANS = {"90": 90, "90s": 90, "5m": 300, "1h": 3600, "1h30m": 5400, "1d": 86400, " 90s ": 90, "PT5M": 300}
WRITTEN = [
    ("job_user", "70000", Ids(70000, 70000)),
    ("job_user", "70000-70063", Ids(70000, 70063)),
    ("job_user", "docs", "docs"),
    ("allowed_repositories", "acme/*, Octo-Org/docs.site *", ("acme/*", "Octo-Org/docs.site", "*")),
    ("ledger_id", str(UUID(int=7)), UUID(int=7)),
    *[("local_file_systems", text, ("fuse.mergerfs", "fuseblk")) for text in FILE_SYSTEMS],
    *[("first_delay", text, timedelta(seconds=seconds)) for text, seconds in SPANS.items()],
]


@pytest.mark.parametrize(("name", "text", "value"), WRITTEN)
def test_a_setting_is_written_as_people_write_it(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
) -> None:
    monkeypatch.setenv(f"REPORTBACK_{name.upper()}", text)
    assert getattr(Settings(), name) == value


@pytest.mark.parametrize(
    "variables",
    [
        {"LEASE": "30s", "TIMEOUT": "15s"},
        {"TIMEOUT": "10s"},
        {"SETTLE_AFTER": "15s"},
        {"PASS_BUDGET": "60s", "INTERVAL": "60s"},
        {"CLONE_URL": "file:///srv/one-repository"},
        {"KEEP": "1d"},
        {"SENDERS": "64"},
        {"GITHUB_API_URL": "http://127.0.0.1:9", "CLONE_URL": "http://[::1]/{repository}"},
        {"GITHUB_API_URL": "http://ghe.example.com", "ALLOW_HTTP": "true"},
        {"CLONE_URL": "http://git.example.com/{repository}", "ALLOW_HTTP": "1"},
    ],
)
def test_values_at_the_limit_are_accepted_as_settings(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"REPORTBACK_{name}", value)
    Settings()


@pytest.mark.parametrize("name", ["DATABASE_URL", "GITHUB_API_URL", "CREDENTIALS", "LEASE", "JOBS_FILE", "CLONE_URL"])
def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    default = Settings()
    monkeypatch.setenv(f"REPORTBACK_{name}", "")
    assert Settings() == default


@pytest.mark.parametrize("state_home", [None, "", "state"])
def test_the_embedded_ledger_has_an_absolute_path_wherever_a_flow_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state_home: str | None
) -> None:
    """The XDG specification: a relative folder for state is invalid, and is to be ignored."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    if state_home is not None:
        monkeypatch.setenv("XDG_STATE_HOME", state_home)
    assert Settings().database_url == f"sqlite:///{tmp_path}/.local/state/reportback/ledger.db"


def test_whatever_is_kept_is_below_the_folder_for_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("REPORTBACK_CACHE_SIZE", "2G")
    settings = Settings()
    assert settings.database_url == f"sqlite:///{tmp_path}/reportback/ledger.db"
    assert settings.output_dir == tmp_path / "reportback" / "output"
    assert (settings.cache_dir, settings.cache_size) == (tmp_path / "reportback" / "cache", 2 * 1024**3)


@pytest.mark.parametrize("name", ["env:SITE_TOKEN", "env:_x1", "secret:acme-docs"])
def test_a_credential_is_the_name_of_a_variable_or_a_block(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", json.dumps({"acme/*": name}))
    assert Settings().credentials == {"acme/*": name}


NO_NAMES = (
    TOKEN,
    "env:",
    "secret:",
    "env:A B",
    "secret:Acme_Docs",
    f"env:{TOKEN}",
    f"secret:{TOKEN}",
    "app:Iv1/x",
    f"app:{TOKEN}",
    "acme/*",
)


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_credential_that_names_no_place_is_refused_without_being_quoted(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    why = refused(monkeypatch, CREDENTIALS=json.dumps({"first/*": "env:OK", TOKEN: name}))
    assert "the value of pattern 2 is neither env:VARIABLE nor secret:BLOCK" in why
    assert name not in why.replace("env:VARIABLE", "").replace("secret:BLOCK", "") or name in ("env:", "secret:")
    assert TOKEN not in why


@pytest.mark.parametrize(
    "variables",
    [
        {"CREDENTIALS": TOKEN},
        {"CREDENTIALS": f'{{"acme/*": "{TOKEN}"'},
        {"CREDENTIALS": f'["{TOKEN}"]'},
        {"CREDENTIALS": f'{{"acme/*": ["{TOKEN}"]}}'},
        {"LEASE": TOKEN},
        {"GITHUB_API_URL": f"git://{TOKEN}@github.com"},
        {"GITHUB_API_URL": f"https://{TOKEN}@github.com"},
        {"CLONE_URL": f"https://{TOKEN}@github.com/{{owner}}"},
    ],
)
def test_no_refusal_quotes_a_token(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    assert TOKEN not in refused(monkeypatch, **variables)


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"CREDENTIALS": DEEP}, "REPORTBACK_CREDENTIALS is no JSON such as"),
        ({"CREDENTIALS": '{"a":' * 100_000}, "recursion limit exceeded at line 1"),
        ({"CREDENTIALS": '{"acme/*": {"a": {"a": 1}}}'}, "credentials.acme/*"),
        ({"CREDENTIALS": '{"acme/\\ud800": "env:A"}'}, "REPORTBACK_CREDENTIALS is no JSON such as"),
        ({"WRITE_BUDGET": DEEP}, "is no write budget; allowed: "),
        *[({name: "\udcff"}, f"REPORTBACK_{name} holds bytes that are not UTF-8") for name in TEXTS],
    ],
)
def test_a_value_nested_too_deeply_or_not_text_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: str
) -> None:
    why = refused(monkeypatch, **variables)
    assert words in why
    assert len(why) < 1000


def test_settings_shown_hold_no_token_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("REPORTBACK_DATABASE_URL", "postgresql://reportback:pa55word@db/ledger")
    monkeypatch.setenv("REPORTBACK_PUSHGATEWAY_URL", "https://ann:pa55word@gateway.test")
    for shown in (repr(Settings()), str(Settings())):
        assert TOKEN not in shown
        assert "pa55word" not in shown


@pytest.mark.parametrize("value", ["the first", "7", TOKEN])
def test_an_invalid_ledger_id_is_refused_without_quoting_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    why = refused(monkeypatch, LEDGER_ID=value)
    assert "`reportback db id` prints it" in why
    assert value not in why.replace("\n", " ") or value == "7"


@pytest.mark.parametrize("value", ["checks", '{"acme/*": "checks"}', "[1]", "{"])
def test_what_reports_are_shown_as_is_named_with_what_is_allowed(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    assert "allowed: status, check_run, or either by patterns" in refused(monkeypatch, REPORT_AS=value)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().senders = 1  # type: ignore[misc]  # what is tested
