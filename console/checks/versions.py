"""Versions of other people's packages that break Prefect without a word."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

from console.checks.finding import Finding, bad, good


@dataclass(frozen=True, slots=True)
class Trap:
    """*package* has to be older than `before`, else `what` happens."""

    package: str
    before: tuple[int, int]
    what: str


TRAPS = (Trap("fastapi", (0, 151), "Prefect's server answers list calls with 422"),)


def check(installed: Callable[[str], str] = version) -> Iterator[Finding]:
    """Whether each is older than what breaks; *installed* tells a package's version."""
    for trap in TRAPS:
        found, below = installed(trap.package), ".".join(map(str, trap.before))
        if _leading(found) < trap.before:
            yield good(trap.package, found)
        else:
            yield bad(trap.package, f"{found}: {trap.what}; install one below {below}, as `make` does")


def _leading(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)[:2]))
