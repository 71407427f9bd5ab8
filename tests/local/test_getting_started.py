"""The way of docs/getting-started.md: from a repository of one's own to its outcome on the stand-in's commit."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from real_processes import start_python
from repositories import commit, new_repository
from waiting import block_until

from local import stack

STARTS = 120.0
COMMAND = re.compile(r"^  (PREFECT_API_URL=.* --wait)$", re.MULTILINE | re.DOTALL)
PAGE = re.compile(r"^Its commit: (\S+)$", re.MULTILINE)


def environment(folder: Path) -> dict[str, str]:
    """A person's, who has set nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REPORTBACK_", "PREFECT_"))}
    (folder / "tmp").mkdir()
    own = {"XDG_STATE_HOME": str(folder / "state"), "TMPDIR": str(folder / "tmp")}
    return {**kept, **own, "PYTHONPATH": str(stack.ROOT), "COLUMNS": "80"}


@contextmanager
def up(log: Path, env: dict[str, str], repository: Path) -> Iterator[str]:
    """`reportback up --repo …` and what it printed; ended by Ctrl-C."""
    process = start_python(log, env, *stack.COMMAND, "up", "--repo", str(repository))
    try:
        block_until(lambda: process.poll() is not None or "Ctrl-C ends" in log.read_text(), within=STARTS)
        yield log.read_text(encoding="utf-8")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130, log.read_text()


@pytest.mark.timeout(300)
def test_a_repository_of_ones_own_has_its_outcome_after_what_is_printed_is_pasted(tmp_path: Path) -> None:
    env, repository = environment(tmp_path), new_repository(tmp_path / "hand book")
    sha = commit(repository, README_md="Hello.\n")
    wrote = subprocess.run(
        (sys.executable, *stack.COMMAND, "init", "--repo", repository, "--command", "cat README.md"),
        env=env, cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "success: succeeded in " in wrote.stdout
    with up(tmp_path / "up.log", env, repository) as printed:
        command, page = COMMAND.search(printed), PAGE.search(printed)
        assert command, printed
        assert page, printed
        done = subprocess.run(
            ["bash", "-c", command[1]], cwd=tmp_path, env=env, check=False, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "Its outcome is on the commit."), done.stderr
        origin = page[1].removesuffix(f"/local/hand-book/commit/{sha}")
        shown = httpx.get(f"{origin}/_stand_in/statuses", trust_env=False).json()
        assert {(one["sha"], one["context"]) for one in shown} == {(sha, "docs/docs")}
        states = [one["state"] for one in shown]
        assert states in (["pending", "success"], ["success"])  # a quick job may overtake its pending
        assert "docs/docs" in httpx.get(page[1], trust_env=False).text
    left = {path.name for path in (tmp_path / "tmp").iterdir()}
    assert left <= {f"reportback-{os.geteuid()}", "runner_storage"}  # of Prefect's runner, kept for the next one
