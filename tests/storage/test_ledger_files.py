"""The files of an embedded ledger are readable by its user alone, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import names_in

from storage.ledger import open_ledger


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0o000)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
async def test_its_folder_and_its_files_are_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "reportback"
    async with open_ledger(f"sqlite:///{folder}/ledger.db") as ledger:
        await ledger.now()
        assert {"ledger.db", "ledger.db-wal", "ledger.db-shm"} <= set(names_in(folder))
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_the_rights_of_a_ledger_that_stands_there_stay(tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path}/ledger.db", tmp_path / "ledger.db"
    async with open_ledger(url):
        path.chmod(0o640)
    async with open_ledger(url):
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
