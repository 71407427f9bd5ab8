"""A job cannot read the flow's environment in /proc. Root can read everything, so this is tried as another user."""

import os
import subprocess
import sys

from processes import ROOT

FLOW = """
import ctypes, os, sys
from tasks.non_dumpable import PR_SET_DUMPABLE, make_non_dumpable

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

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as any process starts; the change of user took it away
print(os.geteuid() != 0, seen_by_a_child(), end=" ")
make_non_dumpable()
print(seen_by_a_child())
"""


def test_a_child_of_the_same_user_reads_the_environment_until_it_is_closed() -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "REPORTBACK_GITHUB_TOKEN": "ghp_secret"}
    flow = subprocess.run([sys.executable, "-c", FLOW], env=env, capture_output=True, text=True, check=True)
    assert flow.stdout.split() == ["True", "token", "refused"]
