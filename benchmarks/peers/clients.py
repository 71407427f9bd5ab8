"""Runs drivers of other clients, each in an environment of its own below build/: `make clean` removes them."""

import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.stack import ROOT

HERE = Path(__file__).parent
BUILD = ROOT / "build" / "peers"


@dataclass(frozen=True, slots=True)
class Client:
    """A client, and the command of its driver, which takes: URL COUNT AT_ONCE FILE and "paced" or "unpaced"."""

    name: str
    command: Sequence[str]

    async def start(self, *arguments: object) -> asyncio.subprocess.Process:
        """Its driver, which prints what it took when it ends."""
        words = (*self.command, *map(str, arguments))
        return await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdout=asyncio.subprocess.PIPE)

    async def run(self, *arguments: object) -> dict[str, float]:
        """What its driver says: `seconds`, `cpu` seconds, and how many `failed` in its opinion."""
        process = await self.start(*arguments)
        printed, _ = await process.communicate()
        assert process.returncode == 0, self.name
        said: dict[str, float] = json.loads(printed)
        return said


async def clients() -> list[Client]:
    """Reportback first; PyGithub and githubkit; Octokit where there is node."""
    python = await _python()
    found = [Client("reportback", (sys.executable, "-m", "benchmarks.peers.with_reportback"))]
    found += [Client(name, (python, "-m", f"benchmarks.peers.with_{name}")) for name in ("pygithub", "githubkit")]
    if node := shutil.which("node"):
        found.append(Client("octokit", (node, await octokit(HERE / "with_octokit.mjs"))))
    return found


async def _python() -> str:
    folder, pins = BUILD / "python", HERE / "requirements.txt"
    if not _holds(folder, pins):
        await _run(sys.executable, "-m", "venv", "--clear", folder)
        await _run(folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", pins)
        shutil.copy(pins, folder)
    return str(folder / "bin" / "python")


async def octokit(driver: Path) -> str:
    """A copy of *driver*, for node, beside an installed Octokit."""
    folder, pins = BUILD / "node", HERE / "package.json"
    if not _holds(folder, pins):
        folder.mkdir(parents=True, exist_ok=True)
        options = ("--silent", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
        shutil.copy(pins, folder / "package.json")
        await _run("npm", "install", *options, "--prefix", folder)
        (folder / "node_modules" / pins.name).write_bytes(pins.read_bytes())
    return str(shutil.copy(driver, folder))


def _holds(folder: Path, pins: Path) -> bool:
    """Whether what *pins* names has been installed in *folder*."""
    copies = (folder / pins.name, folder / "node_modules" / pins.name)
    installed = copies[pins.suffix == ".json"]
    return installed.exists() and installed.read_bytes() == pins.read_bytes()


async def _run(*command: Any) -> None:  # noqa: ANN401  # words and paths
    process = await asyncio.create_subprocess_exec(*map(str, command))
    assert await process.wait() == 0, command
