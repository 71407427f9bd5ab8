"""A job that searches for planted canaries in every way open to a process: `hunter.py API_URL PID,PID PATH …`.

Its arguments name the canaries; it prints those it could read. Runs on any Python 3 with the standard library only.
"""

import json
import os
import re
import stat
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

CANARY = re.compile(rb"canary-([a-e])-[0-9a-f]{8}")
MOST = 4_000_000
SECRETS = {"block_documents": {}, "include_secrets": True, "limit": 200}

found: set[str] = set()


def look(text: bytes) -> None:
    found.update(letter.decode() for letter in CANARY.findall(text))


def look_into(path: Path) -> None:
    with suppress(OSError):
        if stat.S_ISREG(path.stat().st_mode):
            with path.open("rb") as opened:
                look(opened.read(MOST))


def look_everywhere_in(folder: Path) -> None:
    look_into(folder)
    for parent, _, files in os.walk(folder):
        for name in files:
            look_into(Path(parent, name))


def look_at_process(process: Path, paths: "list[str]") -> None:
    for name in ("environ", "cmdline"):
        look_into(process / name)
    for name in ("fd", "cwd"):
        with suppress(OSError):
            for entry in (process / name).iterdir():
                look_into(entry)
    for path in paths:
        look_into(process / "root" / path.lstrip("/"))


def look_into_memory(process: Path) -> None:
    with suppress(OSError), (process / "maps").open() as maps, (process / "mem").open("rb") as memory:
        for line in maps:
            if "[stack]" in line or "[heap]" in line:
                start, end = (int(word, 16) for word in line.split()[0].split("-"))
                memory.seek(start)
                look(memory.read(end - start))


def ask(api_url: str) -> None:
    for header in ({}, {"Authorization": "Basic YWRtaW46YWRtaW4="}, {"Authorization": "Basic Og=="}):
        asked = urllib.request.Request(  # noqa: S310  # the test's own server
            f"{api_url}/block_documents/filter",
            data=json.dumps(SECRETS).encode(),
            headers={"Content-Type": "application/json", **header},
        )
        with suppress(OSError), urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310  # the same
            look(answer.read(MOST))


if __name__ == "__main__":
    api, pids, *places = sys.argv[1:]
    for one in Path("/proc").glob("[0-9]*"):
        look_at_process(one, places)
    for pid in (*pids.split(","), str(os.getppid())):
        look_into_memory(Path("/proc", pid))
    for place in places:
        look_everywhere_in(Path(place))
    ask(api)
    print("found:", *sorted(found))  # noqa: T201  # its output is what it is for
