"""The places that `make canaries` searches: each function reads one place of an installation as a `Place`."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
from canary_rig import LOGIN, Installation, csrf, place_of
from canary_search import MARKER, SECRETS, Place
from ledger_tables import TABLES
from real_processes import ROOT
from repositories import git
from sqlalchemy import select

from local.stack import COMMAND, basic

URL = f"https://someone:{SECRETS['user info in a URL that is refused']}@127.0.0.1:1/{MARKER}"
PAGE = 200
AT_ONCE = asyncio.Semaphore(2)

LISTED: Mapping[str, tuple[str, ...]] = {
    "Prefect's API: flow runs and their states": ("flow_runs", "flow_run_states"),
    "Prefect's API: task runs": ("task_runs",),
    "Prefect's API: deployments, pools, flows": ("deployments", "flows", "work_pools", "automations"),
    "Prefect's API: Secret blocks": ("block_documents",),
    "logs of flow runs": ("logs",),
    "events": ("events",),
    "artifacts": ("artifacts",),
}
COMMANDS = (
    ("doctor",), ("doctor", "--json"), ("doctor", "--repository", "acme/other"), ("reports", "list"),
    ("reports", "list", "--json"), ("credentials",), ("credentials", "--json"), ("metrics",), ("reconcile",),
)  # fmt: skip
SHORT = (("doctor",), ("reports", "list"), ("reconcile",))
REFUSED: tuple[Mapping[str, str], ...] = (
    {"REPORTBACK_CLONE_URL": URL},
    {"REPORTBACK_GITHUB_API_URL": URL},
    {"REPORTBACK_PUSHGATEWAY_URL": URL},
    {"REPORTBACK_DATABASE_URL": URL.replace("https", "postgresql")},
    {"REPORTBACK_DATABASE_URL": URL},
    {"PREFECT_API_URL": URL},
    {"PREFECT_API_AUTH_STRING": SECRETS["password of Prefect"]},
    {"REPORTBACK_CREDENTIALS": json.dumps({"*": SECRETS["reporting token"]})},
    {"REPORTBACK_CREDENTIALS": f'{{"*": "{SECRETS["reporting token"]}'},
    {"REPORTBACK_GITHUB_TOKEN": SECRETS["reporting token"] + "\n"},
    {"REPORTBACK_JOBS_FILE": f"/{MARKER}/jobs.toml"},
)


async def all_said(env: Mapping[str, str], *words: str) -> str:
    """The output of `reportback` with the arguments *words*, whatever its exit code."""
    async with AT_ONCE:
        return await _said(env, words)


async def _said(env: Mapping[str, str], words: tuple[str, ...]) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *COMMAND, *words, cwd=ROOT, env=dict(env),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    return (await process.communicate())[0].decode()


async def of_the_command(made: Installation, commands: tuple[tuple[str, ...], ...]) -> Place:
    return place_of(
        "output of `reportback`", *await asyncio.gather(*[all_said(made.rig.env, *words) for words in commands])
    )


async def of_refusals(made: Installation, how: tuple[Mapping[str, str], ...]) -> Place:
    """The errors for settings that are invalid or lead nowhere."""
    asked = [all_said({**made.rig.env, **wrong}, word) for wrong in how for word in ("reconcile", "doctor")]
    return place_of("texts of errors", *await asyncio.gather(*asked))


async def of_prefect(made: Installation) -> list[Place]:
    """What Prefect's API returns to a caller with the password, except Secret blocks asked for by name."""
    async with httpx.AsyncClient(base_url=made.rig.api_url, trust_env=False, auth=basic(LOGIN), timeout=60) as client:
        client.headers.update(await csrf(client))
        places = [place_of(name, *[await _listed(client, kind) for kind in kinds]) for name, kinds in LISTED.items()]
        settings = (await client.get("/admin/settings")).raise_for_status()
        places.append(place_of("Prefect's API: its settings", settings.text))
    return places


async def _listed(client: httpx.AsyncClient, kind: str) -> str:
    match kind:
        case "flow_run_states":
            runs = (await client.post("/flow_runs/filter", json={"limit": PAGE})).raise_for_status().json()
            asked = [await client.get(f"/{kind}/", params={"flow_run_id": run["id"]}) for run in runs]
            return "\n".join(one.raise_for_status().text for one in asked)
        case "events":
            return await _events(client)
        case _:
            return await _by_pages(client, kind)


async def _by_pages(client: httpx.AsyncClient, kind: str) -> str:
    pages: list[httpx.Response] = []
    while not pages or len(pages[-1].json()) == PAGE:
        asking = {"limit": PAGE, "offset": PAGE * len(pages)}
        pages.append((await client.post(f"/{kind}/filter", json=asking)).raise_for_status())
    return "\n".join(page.text for page in pages)


async def _events(client: httpx.AsyncClient) -> str:
    pages = [(await client.post("/events/filter", json={"limit": 50})).raise_for_status()]
    while further := pages[-1].json()["next_page"]:
        pages.append((await client.get(further)).raise_for_status())
    return "\n".join(page.text for page in pages)


async def of_the_ledger(made: Installation) -> Place:
    place = Place("ledger: every row")
    with made.rig.ledger.transaction(only_reads=True) as tx:
        for table in TABLES:
            for row in tx.session.connection().execute(select(table)):
                place.look(repr(tuple(row)))
    return place


def of_git(made: Installation) -> Place:
    """Every object of the repository, among them the pushed commits."""
    listed = git(made.origin.bare, "cat-file", "--batch-all-objects", "--batch-check").splitlines()
    place = Place("pushed commits: every object")
    for line in listed:
        name, kind, _ = line.split()
        place.look(git(made.origin.bare, "cat-file", "-p" if kind == "tree" else kind, name))
    return place


def of_folders(made: Installation) -> list[Place]:
    """The installation's folders on disk, and the output of its processes."""
    state, named = made.folder / "state" / "reportback", []
    for name, folders in {
        "outputs": [state / "output"],
        "cache": [state / "cache"],
        "state folder": [made.folder / "state"],
        "Prefect's database and folder": [made.folder / f"prefect-{MARKER}"],
    }.items():
        named.append(Place(name))
        named[-1].look_into(*folders)
    for name, pattern in {
        "environment of a job": "jobs/*/environment",
        "git configuration as a job sees it": "jobs/*/git-config",
        "command lines of git": "git-commands",
    }.items():
        named.append(place_of(name, *[path.read_bytes() for path in made.folder.glob(pattern)]))
    for name, pattern in {
        "output of the workers": "worker-*.log",
        "output of Prefect's server": "server.log",
    }.items():
        named.append(place_of(name, *[path.read_bytes() for path in made.rig.logs.glob(pattern)]))
    return named


async def of_github(made: Installation) -> list[Place]:
    github = made.rig.github
    held, runs, asked = await github.statuses(), await github.check_runs(), await github.requests()
    return [
        place_of("statuses on GitHub", *map(json.dumps, held)),
        place_of("check runs on GitHub", *map(json.dumps, runs)),
        place_of("requests that GitHub saw, without their headers", *map(json.dumps, asked)),
    ]


def while_at_work(made: Installation, copy: Path) -> list[Place]:
    """The files on disk while a job runs in *copy*.

    A worker of Prefect's keeps its whole environment in a file there, closed to every other user.
    """
    places = [Place("working copy of a job, `.git` too, while it runs"), Place("temporary files while jobs run")]
    places[0].look_into(copy)
    kept = Place("what a worker of Prefect's keeps")
    for path in (one for one in (made.folder / "tmp").rglob("*") if one.is_file()):
        if path.name == "workspace.json" and path.parent.name.startswith("prefect-workspace-attempt-"):
            assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700), path
            kept.look_into(path)
        else:
            places[1].look_into(path)
    assert kept.found  # else SECURITY.md need not mention it any more
    return places


def at_work_as_app(copy: Path) -> Place:
    """The working copy of a job whose commit an App has checked out."""
    place = Place("working copy of a job that an App has checked out")
    place.look_into(copy)
    return place


def in_the_end(made: Installation) -> Place:
    """The folder for temporary files at the end, with a marker left in it."""
    left = made.folder / "tmp"
    (left / MARKER).touch()
    place = Place("temporary files in the end")
    place.look_into(left)
    return place
