"""A job cannot read the flow's environment in /proc. Tested as another user, since root can read everything."""

import os
import subprocess
import sys
from typing import Any

import pytest
from ordinary_user import PYTHONPATH
from prefect import Flow
from processes import ROOT

from flows.docs_job import docs_job
from flows.reconcile_reports import reconcile_reports
from flows.retry_reports import retry_reports

FLOW = """
import ctypes, os, sys
from ordinary_user import become_ordinary
from tasks.process.kernel import PR_SET_DUMPABLE, make_non_dumpable

def seen_by_a_child():
    flow, (read, write) = os.getpid(), os.pipe()
    if os.fork() == 0:
        try:
            environ = open(f"/proc/{flow}/environ", "rb").read()
            os.write(write, b"token" if b"ghp_secret" in environ else b"nothing")
        except PermissionError:
            os.write(write, b"refused")
        os._exit(0)
    os.wait()
    return os.read(read, 10).decode()

become_ordinary()
ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as any process starts; the change of user took it away
print(os.geteuid() != 0, seen_by_a_child(), end=" ")
make_non_dumpable()
print(seen_by_a_child())
"""


def test_a_child_of_the_same_user_reads_the_environment_until_it_is_hardened() -> None:
    env = {**os.environ, "PYTHONPATH": PYTHONPATH, "REPORTBACK_GITHUB_TOKEN": "ghp_secret"}
    flow = subprocess.run([sys.executable, "-c", FLOW], env=env, capture_output=True, text=True, check=True)
    assert flow.stdout.split() == ["True", "token", "refused"]


IS_DUMPABLE = "print(__import__('ctypes').CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE"


def said_by(code: str) -> str:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_every_command_closes_its_process_before_it_does_anything() -> None:
    assert said_by(f"import cli\ncli.called = lambda: {IS_DUMPABLE}\ncli.main()") == "0"


def test_a_flow_that_has_its_settings_has_closed_its_process() -> None:
    assert said_by(f"from flows.run_settings import flow_settings\nflow_settings()\n{IS_DUMPABLE}") == "0"


class Begun(Exception):
    """A flow asks for its settings."""


@pytest.mark.parametrize(
    ("flow", "parameters"), [(docs_job, {"job": "sphinx"}), (reconcile_reports, {}), (retry_reports, {"reports": [1]})]
)
async def test_every_flow_begins_with_its_settings(
    monkeypatch: pytest.MonkeyPatch, flow: Flow[..., Any], parameters: dict[str, Any]
) -> None:
    def begun() -> None:
        raise Begun

    monkeypatch.setattr(sys.modules[flow.fn.__module__], "flow_settings", begun)
    with pytest.raises(Begun):
        await flow.fn(**parameters)


def test_what_else_is_a_flow_is_tried_above() -> None:
    found = {path.stem for path in (ROOT / "flows").glob("*.py") if "@flow(" in path.read_text(encoding="utf-8")}
    assert found == {"docs_job", "reconcile_reports", "retry_reports"}
