"""Measures deliveries beside PyGithub, githubkit and Octokit, which create the same statuses at the stand-in.

Rates: eight at once, no client paced, in turn, and GitHub answers after 50 ms, then at once. Counts: each client with
its own retries and its own pace, as it comes; clean; with one in twenty replies lost, one answered 502 after it was
stored, and one 503; and killed as soon as half are stored, one of them without its reply, then started again. The peers
do what a program does that has a library: look up in a file what has been reported, call, note it there.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.peers.clients import Client, clients
from fake_github.process import StandIn, running

AT_ONCE, REPORTS, ROUNDS = 8, 200, 5
COUNTED = 60
FAULTS: Mapping[int, tuple[str, Mapping[str, object]]] = {
    3: ("close", {"where": "after"}),
    9: ("server_error", {"where": "after"}),
    15: ("server_error", {"status": 503}),
}
"""What happens to the first request for the contexts of these numbers, modulo 20."""


async def measure(folder: Path) -> dict[str, float]:
    """The figures of all clients; Reportback's own bear no name."""
    found = await clients()
    figures = await _rates(found, folder, 0.05) | await _rates(found, folder, 0.0)
    for counts in await asyncio.gather(*(_counts(client, folder) for client in found)):
        figures |= counts
    return figures


async def _rates(found: Sequence[Client], folder: Path, latency: float) -> dict[str, float]:
    """Reports per second and CPU for each, and Reportback's rate divided by each peer's."""
    rounds: list[list[Mapping[str, float]]] = []
    async with running() as github:
        if latency:
            await github.fault("hang", seconds=latency, times=0)
        for number in range(ROUNDS):
            files = [folder / f"{client.name}-{latency}-{number}" for client in found]
            rounds.append(
                [
                    await client.run(github.url, REPORTS, AT_ONCE, file, "unpaced")
                    for client, file in zip(found, files, strict=True)
                ]
            )
    of, figures = f"{latency * 1000:.0f}ms", dict[str, float]()
    for client, took in zip(found, zip(*rounds, strict=True), strict=True):
        if client.name != "reportback":
            ratios = [one["seconds"] / ours["seconds"] for one, (ours, *_) in zip(took, rounds, strict=True)]
            figures[f"delivery_vs_{client.name}_{of}"] = median(ratios)
        figures[f"statuses_per_second_{of}{_of(client)}"] = REPORTS / median(one["seconds"] for one in took)
        figures[f"cpu_ms_per_status_{of}{_of(client)}"] = median(one["cpu"] for one in took) / REPORTS * 1000
    return figures


def _of(client: Client) -> str:
    return "" if client.name == "reportback" else f"_{client.name}"


async def _counts(client: Client, folder: Path) -> dict[str, float]:
    """The counts of one client; each with a stand-in of its own, all at once: nothing of it is a matter of time."""
    clean, faults, sigkill = await asyncio.gather(
        *(work(client, folder / f"{client.name}-{work.__name__}") for work in (_clean, _faults, _sigkill))
    )
    return {f"{figure}{_of(client)}": value for figure, value in (clean | faults | sigkill).items()}


async def _clean(client: Client, file: Path) -> dict[str, float]:
    async with running() as github:
        await client.run(github.url, COUNTED, AT_ONCE, file, "paced")
        return {"requests_per_delivered_clean": len(await github.requests()) / (await _held(github)).delivered}


async def _faults(client: Client, file: Path) -> dict[str, float]:
    async with running() as github:
        for number in range(COUNTED):
            if number % 20 in FAULTS:
                kind, fields = FAULTS[number % 20]
                await github.fault(kind, context=f"docs/{number}", **fields)
        said = await client.run(github.url, COUNTED, AT_ONCE, file, "paced")
        held = await _held(github)
        return {
            "posts_per_delivered_faults": held.posts / held.delivered,
            "duplicates_faults": held.duplicates,
            "losses_faults": COUNTED - held.delivered,
            "given_up_faults": said["failed"],
        }


async def _sigkill(client: Client, file: Path) -> dict[str, float]:
    """Kill it between GitHub's storing of a status and the reply, then start it again."""
    half = f"docs/{COUNTED // 2}"
    async with running() as github:
        await github.fault("hang", where="after", context=half)
        process = await client.start(github.url, COUNTED, AT_ONCE, file, "paced")
        while not any(status["context"] == half for status in await github.statuses()):  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.01)
        process.kill()
        await process.communicate()
        await client.run(github.url, COUNTED, AT_ONCE, file, "paced")
        held = await _held(github)
        return {"duplicates_sigkill": held.duplicates, "losses_sigkill": COUNTED - held.delivered}


class _Held:
    """What a stand-in holds of the contexts, and what it was asked for."""

    def __init__(self, contexts: Counter[str], posts: int) -> None:
        self.delivered, self.posts = len(contexts), posts
        self.duplicates = contexts.total() - len(contexts)


async def _held(github: StandIn) -> _Held:
    posts = sum(request["method"] == "POST" for request in await github.requests())
    return _Held(Counter(str(status["context"]) for status in await github.statuses()), posts)
