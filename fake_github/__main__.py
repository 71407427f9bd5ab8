"""Runs the stand-in as a process until SIGTERM or SIGINT: `python -m fake_github`."""

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path

from pydantic import TypeAdapter

from fake_github.app import FakeGitHub
from fake_github.apps import App, Apps
from fake_github.limits import Limits
from fake_github.surfaces.surface import Rules
from fake_github.wire import serve

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until a signal; exit status 0."""
    asked = _arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # uvicorn shuts down, then raises the signal again
    if asked.die_with_parent:
        _die_with(asked.die_with_parent)
    rules = Rules(
        bad_tokens=frozenset(asked.bad_token),
        readers=frozenset(asked.reader),
        repositories=frozenset(asked.repository) or None,
        archived=frozenset(asked.archived),
        commits=frozenset(asked.commit) or None,
        refs=dict(asked.ref),
        limits=Limits(per_hour=asked.per_hour, writes_per_minute=asked.writes_per_minute),
    )
    apps = Apps(TypeAdapter(list[App]).validate_json(asked.apps.read_bytes()) if asked.apps else ())
    serve(FakeGitHub(rules, apps=apps).app, port=asked.port)


def _ref(text: str) -> tuple[str, str]:
    name, _, sha = text.rpartition("=")
    return name, sha.lower()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m fake_github", description="A stand-in GitHub: commit statuses and check runs."
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default: a free one")
    parser.add_argument(
        "--commit", action="append", default=[], type=str.lower, help="a sha that exists; without any, all do"
    )
    parser.add_argument("--ref", action="append", default=[], type=_ref, help="a branch or tag, as NAME=SHA")
    parser.add_argument("--bad-token", action="append", default=[], help="a token that is answered 401")
    parser.add_argument("--reader", action="append", default=[], help="a token whose owner may only read")
    parser.add_argument(
        "--repository", action="append", default=[], type=str.lower, help="one that exists; without any, all do"
    )
    parser.add_argument(
        "--archived", action="append", default=[], type=str.lower, help="a repository that takes nothing any more"
    )
    parser.add_argument("--apps", type=Path, help="a file with GitHub Apps: a JSON array of `fake_github.apps.App`")
    parser.add_argument("--per-hour", type=int, default=5000, help="requests of one token in an hour")
    parser.add_argument("--writes-per-minute", type=int, help="statuses of one token in a minute; default: any number")
    parser.add_argument("--die-with-parent", type=int, metavar="PID", help="end with the process PID, our parent")
    return parser.parse_args()


def _die_with(parent: int) -> None:
    """Have the kernel end this process when *parent* ends, however that happens. No effect except on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended already
        sys.exit(0)


if __name__ == "__main__":
    main()
