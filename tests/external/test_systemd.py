"""The units by systemd's own judgement. Where `systemd-analyze` is missing, the tests fail and name its package."""

import re
import subprocess
from pathlib import Path

import pytest
from external_tools import tool

from settings import ROOT

UNITS = sorted((ROOT / "ops" / "systemd").glob("*.service"))
JOBS = "reportback-worker-jobs"
MOST_EXPOSED = 4


def analyzed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = (tool("systemd-analyze"), *map(str, words))
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("unit", [one for one in UNITS if one.stem != JOBS], ids=lambda unit: unit.stem)
def test_a_unit_that_runs_no_jobs_is_exposed_little(unit: Path) -> None:
    done = analyzed("security", "--offline=true", f"--threshold={MOST_EXPOSED * 10}", "--no-pager", unit)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_each_line_of_a_unit(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    text = unit.read_text(encoding="utf-8").replace("User=reportback\n", "User=root\n")
    copy.write_text(re.sub(r"/opt/reportback/\.venv/bin/\w+", "/bin/true", text), encoding="utf-8")
    done = analyzed("verify", copy)
    assert (done.returncode, done.stderr) == (0, "")
