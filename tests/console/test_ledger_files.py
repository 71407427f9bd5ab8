"""The files of a SQLite ledger are readable by its user alone after every command that opens it, whatever the umask."""

import inspect
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import cli

COMMANDS = (
    "db upgrade",
    "db id",
    "db after-restore",
    "db move --to sqlite:///{folder}/moved.db",
    "metrics",
    "reports list",
    "reports show 1",
    "reports retry 1",
    "credentials",
    "credentials resume env:REPORTBACK_GITHUB_TOKEN",
    "reconcile",
    "doctor",
    "import {folder}",
)


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0o000)
    yield
    os.umask(before)


@pytest.mark.usefixtures("shell", "open_umask")
@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_leaves_no_file_of_the_ledger_open_to_others(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ledger"
    folder.mkdir()
    monkeypatch.setenv("REPORTBACK_DATABASE_URL", f"sqlite:///{folder}/ledger.db")
    for command in ("db id", words) if words.startswith("db move") else (words,):
        called, given, _ = cli.app.parse_args(command.format(folder=folder).split())
        with suppress(SystemExit, ValueError):  # some refuse an empty ledger
            result = called(*given.args, **given.kwargs)
            _ = cli.run(result) if inspect.iscoroutine(result) else result
    rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert rights.keys() >= {"ledger.db", *(["moved.db"] if "moved" in words else [])}
    assert set(rights.values()) == {0o600}, rights
