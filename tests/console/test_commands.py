"""The commands as called from a shell or a script: output, exit codes, one-line errors; none imports Prefect."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from shell import recorded
from waiting import LONGEST
from world import World

import cli
from fake_github.faults import Kind
from fake_github.process import StandIn

ROOT = Path(cli.__file__).parent
ALL = (
    "demo",
    "up",
    "init",
    "jobs list",
    "jobs check",
    "jobs run",
    "server",
    "deploy",
    "drain",
    "resume",
    "db upgrade",
    "db id",
    "db after-restore",
    "db move",
    "metrics",
    "reports list",
    "reports show",
    "reports retry",
    "jobs retry",
    "credentials",
    "credentials resume",
    "runs list",
    "reconcile",
    "doctor",
    "submit",
    "import",
)


RAW = re.compile(r'\[default: (?:False|""|\(\)|None)\]|TIMEDELTA|DATETIME|\bUUID\b|\bSTR\b|\bINT\b|\d:\d\d:\d\d')
"""Names of types, and values as Python writes them."""

pytestmark = pytest.mark.usefixtures("shell")  # its settings are in the environment that processes inherit


def reportback(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import cli; cli.main()", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd="/", check=False, capture_output=True, text=True,
        timeout=LONGEST,
    )  # fmt: skip


@pytest.mark.parametrize("command", ALL)
def test_each_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.app([*command.split(), "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert f"reportback {command}" in shown
    assert not RAW.findall(shown)


@pytest.mark.parametrize("call", [call for calls in cli.EXAMPLES.values() for call in calls])
def test_each_example_of_a_help_is_a_call_that_is_understood(call: str) -> None:
    function, _, _ = cli.app.parse_args(shlex.split(call), exit_on_error=False, print_error=False)
    assert call in cli.EXAMPLES[function.__name__]


@pytest.mark.parametrize("command", ALL)
def test_a_repository_is_named_by_the_same_option_everywhere(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.app([*command.split(), "--help"])
    shown = capsys.readouterr().out
    assert "--repo" in shown or "--repository" not in shown


def test_the_commands_are_grouped_by_purpose(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.app(["--help"])
    shown = capsys.readouterr().out
    places = [shown.index(f" {group} ─") for group in ("Try it", "Jobs", "Operate", "Install and maintain", "Options")]
    assert places == sorted(places)
    assert " Commands ─" not in shown


@pytest.mark.parametrize(
    "words",
    [
        "reports list --limit 0",
        "reports list --reason idleness",
        "reports list --reason none",
        "reports retry --repository acme/site --reason null",
        "reports retry 1 --since none",
        "reports retry 1 --job none",
        "reports list --since yesterday",
        "reports list --no-rejected",
        "reports show",
        "reports show abc",
        "reports retry abc",
    ],
)
def test_words_that_mean_nothing_are_refused(words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.app(words.split())
    assert ended.value.code == 2


async def test_a_script_lists_rejected_reports_and_gets_an_exit_code(world: World) -> None:
    number = await recorded(world, "docs/refused", Kind.ARCHIVED)
    asked = ("reports", "list", "--rejected", "--reason", "archived", "--since", "3h", "--repository", "acme/site")
    done = reportback(*asked, "--json", "--exit-code")
    assert (done.returncode, done.stderr) == (1, "")
    assert [one["report"] for one in json.loads(done.stdout)] == [number]


async def test_a_reconciliation_run_needs_no_prefect(world: World, stand_in: StandIn) -> None:
    await recorded(world, "docs/a")
    done = reportback("reconcile")
    assert (done.returncode, done.stdout) == (0, "Delivered 1, undelivered 0.\n")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["INFO sending to GitHub", "INFO on GitHub"]
    assert len(await stand_in.statuses()) == 1


def test_a_ledger_out_of_reach_is_a_line_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    done = reportback("reports", "list")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (3, "", 1)
    assert done.stderr.startswith(
        "reportback: the ledger cannot be opened, PostgreSQL database 'none' on 127.0.0.1, port 9"
    )


@pytest.mark.usefixtures("ledger_url")
def test_a_wrong_ledger_is_a_line_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_LEDGER_ID", "0b0e8a80-0000-4000-8000-000000000000")
    done = reportback("reports", "retry", "1")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.startswith("reportback: REPORTBACK_DATABASE_URL names ledger ")


def test_commands_that_only_read_do_not_import_prefect() -> None:
    words = "import sys, console.list, console.show, console.credentials; sys.exit('prefect' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", words], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == 0
