"""The `reportback` command."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from uuid import UUID

import pytest
from waiting import LONGEST

import cli

ROOT = Path(cli.__file__).parent


def reportback(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("REPORTBACK_")}
    return subprocess.run(
        [sys.executable, "-c", "import cli; cli.main()", *words],
        env={**env, **variables, "PYTHONPATH": str(ROOT)},
        cwd="/",
        check=False,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )


def test_help_says_what_each_command_does_and_loads_none_of_them() -> None:
    asks = "import sys, cli\ntry: cli.app(['--help'])\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asks], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0
    *lines, loaded = done.stdout.splitlines()
    assert {"cli"} == {"cli", "prefect", "uvicorn", "console.list"} & {*loaded.split()}
    commands = [line.split(maxsplit=2)[1:] for line in lines if line.startswith("│ ") and line[2].isalpha()]
    assert {"demo", "up", "db", "credentials", "import"} <= {name for name, *_ in commands}
    assert all(words and words[0][0].isupper() for _, *words in commands)


def test_the_version_is_said_and_little_is_loaded_for_it() -> None:
    asks = "import sys, cli\nsys.argv[1:] = ['--version']\ntry: cli.main()\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asks], cwd=ROOT, check=False, capture_output=True, text=True)
    said, loaded = done.stdout.splitlines()
    assert (done.returncode, said) == (0, version("reportback"))
    assert not {"prefect", "sqlalchemy", "httpx", "pydantic", "alembic"} & {*loaded.split()}


def test_an_error_message_controls_no_terminal() -> None:
    fails = "def called(): raise ValueError('\\x1b[2Jno\\x9b1m such\\u202e\\nthing')\ncli.called = called"
    done = subprocess.run(
        [sys.executable, "-c", f"import cli\n{fails}\ncli.main()"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "reportback: no such\nreportback: thing\n")


def test_certificates_that_cannot_be_read_are_one_sentence(tmp_path: Path) -> None:
    done = reportback("reconcile", SSL_CERT_FILE="/none.pem", REPORTBACK_DATABASE_URL=f"sqlite:///{tmp_path}/ledger.db")
    assert done.stderr == (
        "reportback: the certificates that SSL_CERT_FILE (/none.pem) names cannot be read: No such file or directory; "
        "correct it, or do not set it\n"
    )


def test_a_command_that_is_not_there_is_refused() -> None:
    done = reportback("fly")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_db_upgrade_makes_the_ledger_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        done = reportback("db", "upgrade", REPORTBACK_DATABASE_URL=f"sqlite:///{tmp_path}/ledger.db")
        assert (done.returncode, done.stderr) == (0, "")
    with sqlite3.connect(tmp_path / "ledger.db") as ledger:
        assert ledger.execute("SELECT count(*) FROM status_report").fetchone() == (0,)
    ledger.close()


def test_db_after_restore_says_how_many_reports_it_will_search_for(tmp_path: Path) -> None:
    done = reportback("db", "after-restore", REPORTBACK_DATABASE_URL=f"sqlite:///{tmp_path}/ledger.db")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "0 unsettled reports will be looked for on GitHub before anything is sent.\n"


def test_db_id_prints_the_same_id_every_time_and_nothing_else(tmp_path: Path) -> None:
    first, again = (reportback("db", "id", REPORTBACK_DATABASE_URL=f"sqlite:///{tmp_path}/ledger.db") for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "")
    assert str(UUID(first.stdout.strip())) + "\n" == first.stdout == again.stdout


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"REPORTBACK_LEASE": "1s"}, "REPORTBACK_LEASE (0:00:01) must be at least twice"),
        ({"REPORTBACK_DATABASE_URL": "sqlite:///ledger.db"}, "is relative"),
    ],
)
def test_a_mistake_of_the_users_is_a_line_and_no_traceback(variables: dict[str, str], words: str) -> None:
    done = reportback("db", "upgrade", **variables)
    assert done.returncode == 2
    assert done.stderr.startswith("reportback: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_deploying_to_no_server_is_a_line_and_no_traceback(tmp_path: Path) -> None:
    done = reportback("deploy", PREFECT_API_URL="", PREFECT_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("reportback: PREFECT_API_URL is not set: export ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_was_started_before_the_command_ends(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    cleaned = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            cleaned.append("up")

    assert cli.run(work()) == cli.INTERRUPTED
    assert cleaned == ["up"]
    assert "Interrupted" in capsys.readouterr().err


def test_the_result_of_a_command_is_its_exit_code() -> None:
    async def come_to(code: int | None) -> int | None:
        return code

    assert cli.run(come_to(1)) == 1
    assert cli.run(come_to(None)) == 0
