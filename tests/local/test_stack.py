"""The folder for temporary files of a local installation."""

import tempfile
from pathlib import Path

import pytest

from local import stack


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's folder for temporary files, in which another user's Prefect worker was first."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "runner_storage").mkdir(mode=0o500)
    return tmp_path


def test_it_is_of_this_user_alone_and_jobs_of_others_can_pass(shared: Path) -> None:
    folder = stack.temporary_folder()
    assert folder.parent == shared
    assert not (folder / "runner_storage").exists()
    assert folder.stat().st_mode & 0o777 == 0o711
    assert stack.temporary_folder() == folder


def test_one_that_is_another_user_s_or_a_link_is_refused(shared: Path) -> None:
    folder = stack.temporary_folder()
    folder.rmdir()
    folder.symlink_to(shared)
    with pytest.raises(stack.NotStarted, match="set TMPDIR to a folder of your own"):
        stack.temporary_folder()


def test_what_a_run_keeps_in_its_temporary_files_goes_with_it() -> None:
    with stack.temporary_files() as tmp:
        kept = tmp / "reportback-failed-0" / "site"
        kept.mkdir(parents=True)
        assert tmp.stat().st_mode & 0o777 == 0o711
    assert not tmp.exists()
