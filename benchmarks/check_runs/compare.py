"""Counts what check runs show of 300 jobs with 50 warnings each while GitHub fails, beside two other ways.

Of the requests that create a run and of those that conclude it with its annotations, one in twenty loses its reply, one
is answered 502 after it took effect, and one 503. Reportback makes one try as a job begins and one as it ends, eight
jobs at once, and reconciliation runs, in real time, deliver what is left. The same with Octokit and its retries, and
with a loop of three retries. Nobody is paced: a credential's 80 writes a minute would be eight minutes of waiting.
"""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import TypeAdapter

from benchmarks.check_runs import naive_loop
from benchmarks.check_runs.held import context, count, faults
from benchmarks.check_runs.with_reportback import Jobs
from benchmarks.deliveries import AT_ONCE, in_parallel
from benchmarks.peers.clients import Client, octokit
from benchmarks.row_for_row import rows_of
from fake_github.apps import App, Installation
from fake_github.process import StandIn, running
from github_api.apps import CHECK_RUNS
from github_api.credentials import key_file
from settings import Settings
from storage.delivery.due import count_undelivered
from tasks.delivery.open_reporter import open_reporter
from tasks.delivery.reporter import Reporter
from tasks.reconcile import reconcile

JOBS, WARNINGS = 300, 50
CLIENT_ID = "Iv23liReportback0001"
CREDENTIAL = f"app:{CLIENT_ID}"

Way: TypeAlias = Callable[[StandIn, Reporter], Awaitable[int]]
"""Shows all jobs, with the App's token that the reporter makes; how many failed in its opinion."""


async def measure(folder: Path) -> dict[str, float]:
    """The figures of all ways; Reportback's own bear no name."""
    ways: dict[str, Way] = {"": _reportback, "_naive_loop": _naive_loop}
    if node := shutil.which("node"):
        ways["_octokit"] = await _with_octokit(node)
    figures: dict[str, float] = {}
    for name, way in ways.items():
        place = folder / f"way{name}"
        place.mkdir()
        figures |= {f"{figure}{name}": value for figure, value in (await _figures(place, way)).items()}
    return figures


async def _figures(folder: Path, way: Way) -> dict[str, float]:
    async with running("--apps", str(_an_app(folder))) as github, _reporter(folder, github) as reporter:
        for kind, fields in faults(JOBS):
            await github.fault(kind, **fields)
        failed = await way(github, reporter)
        held = count(await github.check_runs(), jobs=JOBS, warnings=WARNINGS)
        requests = sum("/check-runs" in str(request["path"]) for request in await github.requests())
    return {
        "annotations_shown_faults": held.annotations,
        "annotations_doubled_faults": held.annotations_doubled,
        "annotations_missing_faults": held.annotations_missing,
        "conclusions_missing_faults": held.conclusions_missing,
        "check_runs_doubled_faults": held.runs_doubled,
        "check_runs_open_faults": held.runs_open,
        "check_runs_given_up_faults": failed,
        "requests_per_job_check_runs": requests / JOBS,
    }


def _an_app(folder: Path) -> Path:
    """A file with an App that may write check runs, as the stand-in reads it; the App's key is in *folder*."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    file = key_file(folder, CLIENT_ID)
    file.touch(mode=0o600)
    file.write_bytes(private)
    permissions = {"checks": "write"}
    app = App(CLIENT_ID, 42, public.decode(), permissions, [Installation(7, "acme", permissions)])
    apps = folder / "apps.json"
    apps.write_bytes(TypeAdapter(list[App]).dump_json([app]))
    return apps


@asynccontextmanager
async def _reporter(folder: Path, github: StandIn) -> AsyncIterator[Reporter]:
    settings = {"database_url": f"sqlite:///{folder / 'ledger.db'}", "github_api_url": github.url}
    mine = {"app_keys": folder, "credentials": {"*": CREDENTIAL}, "write_budget": "off"}
    async with open_reporter(Settings.model_validate({**settings, **mine}), "benchmark") as reporter:
        yield reporter


async def _reportback(_: StandIn, reporter: Reporter) -> int:
    await in_parallel(map(context, range(JOBS)), Jobs(reporter, CREDENTIAL, WARNINGS).run)
    while await reporter.ledger.read(count_undelivered):
        await reconcile(reporter, uuid4(), budget=timedelta(seconds=50), senders=AT_ONCE)
    return sum(report.rejected_at is not None for report in (await rows_of(reporter.ledger)).reports)


async def _token(reporter: Reporter) -> str:
    return (await reporter.token_of(CREDENTIAL, "acme/site", CHECK_RUNS)).value


async def _naive_loop(github: StandIn, reporter: Reporter) -> int:
    return await naive_loop.report(github.url, await _token(reporter), map(context, range(JOBS)), WARNINGS)


async def _with_octokit(node: str) -> Way:
    client = Client("octokit", (node, await octokit(Path(__file__).with_name("check_runs_with_octokit.mjs"))))

    async def report(github: StandIn, reporter: Reporter) -> int:
        said = await client.run(github.url, await _token(reporter), JOBS, AT_ONCE, WARNINGS)
        return int(said["failed"])

    return report
