"""Runs a command as a job's are run."""

import os
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

from processes import ROOT

from tasks.process.command import Finished, OnLine, run_command

SHORT = timedelta(seconds=0.2)
LONG = timedelta(minutes=1)
"""Time limit of the command."""


async def run(*argv: str, on_line: OnLine = lambda _: None, cwd: Path = ROOT, grace: timedelta = SHORT) -> Finished:
    env = {"PATH": os.environ["PATH"]}
    return await run_command(argv, cwd=cwd, env=env, timeout=LONG, on_line=on_line, grace=grace)


async def python(code: str, *args: str, on_line: OnLine = lambda _: None) -> Finished:
    return await run(sys.executable, "-c", textwrap.dedent(code), *args, on_line=on_line)
