"""What `reportback doctor` says about the folders that are used: room, rights, and TMPDIR."""

import subprocess
from pathlib import Path
from shlex import quote

import pytest

from console.checks.folders import FEWEST_FILES, check, room, runners
from settings import Settings

GIB = 2**30
HERE = [Path("/var/lib")]


@pytest.mark.parametrize(
    ("free", "files", "ok"),
    [
        (GIB, FEWEST_FILES, True),
        (GIB, None, True),
        (GIB - 1, FEWEST_FILES, False),
        (GIB, FEWEST_FILES - 1, False),
    ],
)
def test_a_disk_without_bytes_or_inodes_is_wrong(free: int, files: int | None, *, ok: bool) -> None:
    assert room(HERE, free, files).ok is ok


def test_a_disk_is_one_line_with_all_folders_on_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPORTBACK_DATABASE_URL", f"sqlite:///{tmp_path}/ledger/ledger.db")
    monkeypatch.setenv("REPORTBACK_OUTPUT_DIR", str(tmp_path / "output"))
    monkeypatch.setenv("REPORTBACK_CACHE_DIR", str(tmp_path / "cache"))
    found = [finding for finding in check(Settings(), tmp_path / "prefect") if finding.what == "disk"]
    (mine,) = [finding for finding in found if str(tmp_path) in finding.words]
    for name in ("ledger", "output", "cache", "prefect"):
        assert f"{tmp_path}/{name}" in mine.words


@pytest.fixture
def not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """This user may write nowhere: root, as which tests may run, could."""
    monkeypatch.setattr("console.checks.folders.os.access", lambda *_, **__: False)


@pytest.mark.usefixtures("not_ours")
def test_a_folder_that_may_not_be_written_to_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPORTBACK_OUTPUT_DIR", str(tmp_path / "output"))
    words = [finding.words for finding in check(Settings(), tmp_path) if finding.what == "folder"]
    assert any(one.startswith(f"{tmp_path}/output cannot be written to by this user: `sudo chown -R ") for one in words)


def test_a_temporary_folder_that_no_worker_has_used_is_right(tmp_path: Path) -> None:
    assert runners(tmp_path).ok


def test_a_temporary_folder_that_this_user_s_worker_has_used_is_right(tmp_path: Path) -> None:
    (tmp_path / "runner_storage").mkdir()
    assert runners(tmp_path).ok


@pytest.mark.usefixtures("not_ours")
def test_a_temporary_folder_in_which_another_user_s_worker_was_first_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "runner_storage").mkdir()
    finding = runners(tmp_path)
    assert not finding.ok
    assert "keeps every Prefect worker" in finding.words
    command = finding.words.split("`")[1]
    here = command.replace("/var/tmp", quote(str(tmp_path)))  # noqa: S108  # else the text's own words, in a shell
    made = subprocess.run(
        ("/bin/sh", "-c", f"{here}; printf %s $TMPDIR"),
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert Path(made).is_dir()
    assert runners(Path(made)).ok
