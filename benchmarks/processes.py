"""Runs commands to their end and says what they used."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from local.stack import ROOT


@dataclass(frozen=True, slots=True)
class Used:
    """The seconds and CPU seconds of a process with its descendants, and the most memory that one of them held."""

    seconds: float
    cpu: float
    mib: float


def seconds(used: Used) -> float:
    """For `ratio`."""
    return used.seconds


def cpu(used: Used) -> float:
    """For `ratio`."""
    return used.cpu


def run(arguments: Sequence[str], env: Mapping[str, str] | None = None) -> Used:
    """Run this Python with *arguments*. Raises CalledProcessError."""
    command = (sys.executable, *arguments)
    began = time.perf_counter()
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603  # our own words
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Used(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def in_turn(rounds: int, *commands: Sequence[str], env: Mapping[str, str] | None = None) -> list[list[Used]]:
    """What each of *commands* used, in alternating rounds after one that does not count."""
    for command in commands:
        run(command, env)
    return [[run(command, env) for command in commands] for _ in range(rounds)]


def ratio(rounds: Sequence[Sequence[Used]], of: Callable[[Used], float]) -> float:
    """The median of the first command's figure divided by the second's, round by round."""
    return median(of(first) / of(second) for first, second, *_ in rounds)
