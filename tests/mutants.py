"""Break the code on purpose, one rule at a time, in a copy; the suite has to notice: `make mutants`.

The last line says how many were caught. An old text that does not stand exactly once fails the run: the breakage would
no longer break what it says. With names as arguments, only those.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from breakages import BREAKAGES, Breakage

ROOT = Path(__file__).resolve().parents[1]
PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "-n", "2", "--no-header", "-p", "no:cacheprovider")
NOTICED = re.compile(r"(FAILED|ERROR) \S+::")


def main(names: list[str]) -> int:
    chosen = [one for one in BREAKAGES if not names or one.name in names]
    stale = [one.name for one in chosen if (ROOT / one.path).read_text(encoding="utf-8").count(one.old) != 1]
    if stale:
        print(f"the old text does not stand exactly once: {', '.join(stale)}")
        return 2
    with tempfile.TemporaryDirectory(prefix="reportback-mutants-") as folder:
        copy = Path(folder) / "copy"
        _copy(copy)
        caught = [_is_caught(copy, one) for one in chosen]
    print(f"caught {sum(caught)} / {len(caught)}")
    return 0 if all(caught) else 1


def _copy(to: Path) -> None:
    """What git tracks or would track, as it stands in the working tree."""
    listed = subprocess.run(
        ("git", "ls-files", "-co", "--exclude-standard", "-z"), cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, to / name)


def _is_caught(copy: Path, breakage: Breakage) -> bool:
    """Whether a test failed, or could not be set up; a file that could not even be loaded says nothing."""
    with _broken(copy / breakage.path, breakage):
        done = subprocess.run((*PYTEST, *breakage.tests), cwd=copy, check=False, capture_output=True, text=True)
    noticed = [line.split(" - ")[0] for line in done.stdout.splitlines() if NOTICED.match(line)]
    print(
        f"caught    {breakage.name}: {noticed[0]}" if noticed else f"SURVIVED  {breakage.name}: {done.stdout[-300:]}",
        flush=True,
    )
    return bool(noticed)


@contextmanager
def _broken(path: Path, breakage: Breakage) -> Iterator[None]:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(breakage.old, breakage.new), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
