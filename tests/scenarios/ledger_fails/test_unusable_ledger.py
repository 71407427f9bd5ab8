"""A ledger that cannot be opened is named, with what to do and without its password."""

from pathlib import Path

import pytest
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Failed

from storage.ledger import LedgerUnavailable, NotUpgraded, UnsoundLedger, open_ledger
from tasks.report_status import Undelivered, is_worth_a_retry, report_status

ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"])
SECRET = "geheim"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"postgresql://me:{SECRET}@127.0.0.1:1/reports", r"'reports' on 127\.0\.0\.1, port 1: .*Connection refused"),
        (f"postgresql://me:{SECRET}@/reports?host=/nowhere", r"'reports' on /nowhere: .*No such file"),
    ],
)
async def test_a_ledger_that_cannot_be_reached_is_named_without_its_password(url: str, words: str) -> None:
    with pytest.raises(
        LedgerUnavailable, match=rf"^the ledger cannot be opened, PostgreSQL database {words}"
    ) as raised:
        async with open_ledger(url):
            pass
    assert SECRET not in str(raised.value)


@ON_POSTGRESQL
async def test_a_database_that_does_not_exist_is_named(ledger_url: str) -> None:
    name = ledger_url.partition("?")[0].rpartition("/")[2]
    with pytest.raises(LedgerUnavailable, match=r'cannot be opened, .*: database "nothing" does not exist$'):
        async with open_ledger(ledger_url.replace(name, "nothing")):
            pass


async def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_text("Dear diary, " * 100, encoding="utf-8")
    with pytest.raises(LedgerUnavailable, match=rf"^the ledger cannot be opened, {path}: file is not a database$"):
        async with open_ledger(f"sqlite:///{path}"):
            pass


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnsoundLedger, match=r"the folder of .*/file/state/ledger\.db cannot be made"):
        async with open_ledger(f"sqlite:///{tmp_path}/file/state/ledger.db"):
            pass


@pytest.mark.parametrize(
    ("raised", "again"),
    [
        (LedgerUnavailable(OSError("gone")), True),
        (Undelivered("not now", may_help=True), True),
        (Undelivered("never", may_help=False), False),
        (NotUpgraded(), False),
        (KeyError("a bug"), False),
    ],
)
async def test_the_task_retries_while_its_ledger_is_unavailable(raised: Exception, *, again: bool) -> None:
    state: State[object] = Failed(data=raised)
    run = TaskRun(task_key="report_status", dynamic_key="0", state=state)
    assert await is_worth_a_retry(report_status, run, state) is again
