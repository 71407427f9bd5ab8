"""Breaks the code one rule at a time, in copies of it, and runs the tests that must fail: `make mutants`.

The named tests must pass on the unbroken code, or their failure would prove nothing. The last line gives the number of
breakages caught and the time, and names those that survived. An old text that does not occur exactly once fails the
run, since the breakage would no longer break what it names. Arguments: names of breakages, to run only those.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from breakages import BREAKAGES, Breakage

ROOT = Path(__file__).resolve().parents[2]
PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "--no-header", "-p", "no:cacheprovider")
WORKERS = 2
"""Each works in its own copy. One test keeps one core busy; xdist would start interpreters for one test."""

ENV = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Without bytecode each run would compile every module anew, which takes as long as the run."""

NOTICED = re.compile(r"(FAILED|ERROR) \S+::")


def main(names: list[str]) -> int:
    began = time.monotonic()
    chosen = [one for one in BREAKAGES if not names or one.name in names]
    unknown = sorted(set(names) - {one.name for one in chosen})
    stale = [one.name for one in chosen if (ROOT / one.path).read_text(encoding="utf-8").count(one.old) != 1]
    if unknown or stale:
        print(f"nothing was tried: there is no breakage {unknown}; the old text does not stand exactly once: {stale}")
        return 2
    with _copies() as free, ThreadPoolExecutor(WORKERS) as workers:
        tests = sorted({test for one in chosen for test in one.tests})
        shares = [tests[number::WORKERS] for number in range(min(WORKERS, len(tests)))]
        if failing := [said for said in workers.map(lambda share: _failure(free, share), shares) if said]:
            print(f"nothing was tried: the named tests fail without any breakage: {failing}")
            return 2
        caught = list(workers.map(lambda one: _is_caught(free, one), chosen))
    survived = [one.name for one, was_caught in zip(chosen, caught, strict=True) if not was_caught]
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    left = f"; SURVIVED: {', '.join(survived)}" if survived else ""
    print(f"caught {sum(caught)} / {len(caught)} in {minutes} min {seconds} s{left}")
    return 1 if survived else 0


@contextmanager
def _copies() -> Iterator[SimpleQueue[Path]]:
    """A queue of copies of the working tree, one for each worker."""
    free: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="reportback-mutants-") as folder:
        for number in range(WORKERS):
            _copy(Path(folder) / str(number))
            free.put(Path(folder) / str(number))
        yield free


def _copy(to: Path) -> None:
    """Copy what git tracks or would track, as it is in the working tree."""
    listed = subprocess.run(
        ("git", "ls-files", "-co", "--exclude-standard", "-z"), cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, to / name)


def _failure(free: SimpleQueue[Path], tests: Sequence[str]) -> str | None:
    """The failed tests, or the end of pytest's output, unless all of *tests* pass."""
    done = _run(free, tests, None)
    failing = [line for line in done.stdout.splitlines() if NOTICED.match(line)]
    return None if done.returncode == 0 else "\n".join(failing) or (done.stdout + done.stderr)[-2000:]


def _is_caught(free: SimpleQueue[Path], breakage: Breakage) -> bool:
    """Whether a test failed or could not be set up; a file that could not be imported does not count."""
    began = time.monotonic()
    done = _run(free, breakage.tests, breakage)
    took = f"{time.monotonic() - began:4.1f} s"
    noticed = [line.split(" - ")[0] for line in done.stdout.splitlines() if NOTICED.match(line)]
    said = f"caught   {took}  {breakage.name}: {noticed[0]}" if noticed else f"SURVIVED {took}  {breakage.name}"
    print(said if noticed else f"{said}: {(done.stdout + done.stderr)[-300:]}", flush=True)
    return bool(noticed)


def _run(
    free: SimpleQueue[Path], tests: Sequence[str], breakage: Breakage | None
) -> "subprocess.CompletedProcess[str]":
    copy = free.get()
    try:
        with _broken(copy, breakage):
            return subprocess.run((*PYTEST, *tests), cwd=copy, env=ENV, check=False, capture_output=True, text=True)
    finally:
        free.put(copy)


@contextmanager
def _broken(copy: Path, breakage: Breakage | None) -> Iterator[None]:
    if breakage is None:
        yield
        return
    path = copy / breakage.path
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(breakage.old, breakage.new), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
