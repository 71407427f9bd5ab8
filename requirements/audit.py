"""Lists known vulnerabilities of the pins in requirements/*.txt, with pip-audit: `make audit`.

By itself, pip-audit skips packages that its source (pypi, osv) does not answer for, and succeeds. That would hide them.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PIP_AUDIT = (sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--format=json", "--progress-spinner=off")


def main(source: str, *options: str) -> str | None:
    """What is wrong with any pin, if anything; *options* are pip-audit's."""
    for path in sorted(Path(__file__).parent.glob("*.txt")):  # one after the other: it refuses a pin that it sees twice
        words = (*PIP_AUDIT, "--vulnerability-service", source, *options, "--requirement", str(path))
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # ours
        if wrong := verdict(path.name, source, done.stdout, done.stderr):
            return wrong
    return None


def verdict(file: str, source: str, found: str, said: str) -> str | None:
    """What is wrong with the pins of *file*, by what pip-audit *found* (its stdout) and *said* (its stderr)."""
    try:
        packages = json.loads(found)["dependencies"]
    except ValueError:
        why = said.strip().rpartition("\n")[2].removeprefix("ERROR:pip_audit._cli:")
        return f"make audit: {source} does not answer for all of {file}, so nothing is known of its pins: {why}"
    if known := list(_known(packages)):
        return "\n".join(known)
    print(f"{file}: {len(packages)} pins, of none of which {source} knows a vulnerability")  # noqa: T201  # a command
    return None


def _known(packages: list[dict[str, Any]]) -> Iterator[str]:
    for package in packages:
        for one in package["vulns"]:
            mended = ", ".join(one["fix_versions"]) or "no version"
            yield f"{package['name']} {package['version']}: {one['id']}, mended in {mended}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
