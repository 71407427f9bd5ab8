"""An installation with a secret in each place that can hold one, and all places to search for them."""

import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import httpx
from canary_search import MARKER, SECRETS, Place
from e2e_ledgers import make_ledger, postgresql_server
from e2e_rig import DOCS_JOB, Rig, rig_in
from e2e_run import STARTS, Run
from git_host import git_host
from github_apps import CLIENT_ID, CREDENTIAL, an_app, key_pair
from pydantic import TypeAdapter
from real_processes import ROOT
from repositories import Origin
from waiting import until

from fake_github.apps import App
from local.stack import PASSWORD, SERVERS_PASSWORD, basic

HERE = ROOT / "tests" / "canaries"
LOGIN = f"admin:{SECRETS['password of Prefect']}"
REPOSITORY, OTHER, OF_AN_APP = "acme/site", "acme/other", "acme/app"
"""The second repository has its credential in a Secret block, the third is an App's."""

GIT = """#!/bin/sh
printf '%s\\n' "$*" >> '{log}'
exec '{git}' "$@"
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """A running installation, and what can be observed of it from outside."""

    rig: Rig
    folder: Path
    origin: Origin
    pushed_metrics: list[bytes]
    command_lines: set[str]
    database: str

    async def start(self, job: str, *, repository: str = REPOSITORY, url: str = "", queue: str | None = None) -> Run:
        """Start a job of a type for the newest commit."""
        sha, context = self.origin.head("main") or "", f"docs/{job}"
        target = {"repository": repository, "sha": sha, "context": context, "url": url}
        run_id = await self.rig.prefect.start(DOCS_JOB, {"job": job, "target": target}, queue=queue)
        return self.rig.run_of(run_id, job, sha, context)

    async def at_work(self, run: Run) -> Path:
        """Wait until the job's command waits; return its working copy."""
        told = run.folder / "working-copy"
        await until(told.exists, within=STARTS, what=f"{run.name} to be at work")
        return Path(told.read_text(encoding="utf-8"))


@asynccontextmanager
async def installation(folder: Path, logs: Path) -> AsyncIterator[Installation]:
    """Start the installation in *folder*, with the output of its processes in *logs*."""
    origin = _origin(folder)
    pushed: list[bytes] = []
    lines: set[str] = set()
    tokens = SECRETS["reporting token"], SECRETS["token of a Secret block"], SECRETS["token that pushes"]
    async with postgresql_server() as database:
        make_ledger(f"postgresql://postgres:@/postgres?host={database.pgdata}")
        ledger = f"postgresql://postgres:{SECRETS['password of the ledger']}@/postgres?host={database.pgdata}"
        with git_host(origin.bare.parent, folder, *tokens) as host, _pushgateway(pushed) as gateway, _seen(lines):
            host.accepts = lambda password, _: SECRETS["token made for an App"] in password
            more = _settings(folder, f"{host.url}/{origin.bare.name}", gateway) | {
                "GIT_SSL_CAINFO": str(host.certificate)
            }
            github = ("--apps", str(_app(folder)))
            async with rig_in(folder, logs, ledger_url=ledger, more=more, github=github) as rig:
                await _plant(rig.api_url)
                yield Installation(rig, folder, origin, pushed, lines, ledger)


def _origin(folder: Path) -> Origin:
    (folder / "hosted").mkdir()
    made = Origin(folder / "hosted")
    prepare = "import pathlib; pathlib.Path('prepared').write_text('marker-5f3a9c')"
    made.commit("main", job_py=(HERE / "job.py").read_text(encoding="utf-8"), prepare_py=prepare, docs__page_md="old")
    return made


def _app(folder: Path) -> Path:
    """The App in the file for the stand-in, its private key where the settings say."""
    keys, file = folder / "keys", folder / "apps.json"
    keys.mkdir(mode=0o700)
    key = keys / f"{CLIENT_ID}.pem"
    key.touch(mode=0o600)
    key.write_text(key_pair()[0], encoding="utf-8")
    app = an_app(mark=SECRETS["token made for an App"])
    file.write_bytes(TypeAdapter(list[App]).dump_json([app]))
    return file


def _settings(folder: Path, clone_url: str, gateway: str) -> dict[str, str]:
    home, programs, temporary = folder / "home", folder / "bin", folder / "tmp"
    for made in (home, programs, temporary):
        made.mkdir()
    header = f"Authorization: bearer {SECRETS['git configuration of a user']}"
    config = f'[http]\nextraHeader = "{header}"\n'
    (home / ".gitconfig").write_text(config, encoding="utf-8")
    (programs / "git").write_text(GIT.format(log=folder / "git-commands", git=shutil.which("git")), encoding="utf-8")
    (programs / "git").chmod(0o755)
    return {
        "HOME": str(home),
        "PREFECT_HOME": str(folder / f"prefect-{MARKER}"),
        "PREFECT_SERVER_LOGGING_LEVEL": "INFO",  # it tells each request
        "TMPDIR": str(temporary),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "XDG_STATE_HOME": str(folder / "state"),
        PASSWORD: LOGIN,
        SERVERS_PASSWORD: LOGIN,
        "REPORTBACK_GITHUB_TOKEN": SECRETS["reporting token"],
        "REPORTBACK_CREDENTIALS": json.dumps(
            {OTHER: f"secret:{MARKER}", OF_AN_APP: CREDENTIAL, "*": "env:REPORTBACK_GITHUB_TOKEN"}
        ),
        "REPORTBACK_APP_KEYS": str(folder / "keys"),
        "REPORTBACK_CLONE_URL": clone_url,
        "REPORTBACK_INTERVAL": "1h",  # the command does the one pass that is looked at
        "REPORTBACK_JOBS_FILE": str(HERE / "jobs.toml"),
        "REPORTBACK_PUSHGATEWAY_URL": gateway,
        "CANARY_PUSH": SECRETS["token that pushes"],
        "CANARY_PUSH_REFUSED": f"{SECRETS['token that pushes']}-no-more",
        "CANARY_PASSED": SECRETS["variable passed to a job"],
        "CANARY_MARKER": MARKER,
        "CANARY_FOLDER": str(folder / "jobs"),
    }


async def _plant(api_url: str) -> None:
    """Make a Secret block, and put the marker into a task run and the server's log, where no job would."""
    async with httpx.AsyncClient(base_url=api_url, trust_env=False, auth=basic(LOGIN)) as client:
        client.headers.update(await csrf(client))
        kind = (await client.get("/block_types/slug/secret")).raise_for_status().json()["id"]
        wanted = {"block_schemas": {"block_type_id": {"any_": [kind]}}}
        schema = (await client.post("/block_schemas/filter", json=wanted)).raise_for_status().json()[0]["id"]
        data = {"value": SECRETS["token of a Secret block"]}
        block = {"name": MARKER, "block_type_id": kind, "block_schema_id": schema, "data": data}
        (await client.post("/block_documents/", json=block)).raise_for_status()
        task = {"name": MARKER, "task_key": MARKER, "dynamic_key": "0"}
        (await client.post("/task_runs/", json=task)).raise_for_status()
        await client.get(f"/{MARKER}")


async def csrf(client: httpx.AsyncClient) -> dict[str, str]:
    """The headers with which the server accepts a change from *client*."""
    token = (await client.get("/csrf-token", params={"client": "canaries"})).raise_for_status().json()["token"]
    return {"Prefect-Csrf-Client": "canaries", "Prefect-Csrf-Token": token}


@contextmanager
def _pushgateway(pushed: list[bytes]) -> Iterator[str]:
    """A Pushgateway, and its URL with a password; what it receives is appended to *pushed*."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            pushed.append(self.path.encode() + self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200 if self.headers["Authorization"] else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep requests out of the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield f"http://pusher:{SECRETS['password of the Pushgateway']}@127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@contextmanager
def _seen(lines: set[str]) -> Iterator[None]:
    """Append to *lines* the command line of every process that lives for a tenth of a second."""
    over = Event()

    def look() -> None:
        while not over.wait(0.1):
            for one in Path("/proc").glob("[0-9]*"):
                try:
                    lines.add((one / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
                except OSError:  # over meanwhile
                    continue

    looking = Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()


def place_of(name: str, *texts: bytes | str) -> Place:
    """A place whose text was read already."""
    place = Place(name)
    for text in texts:
        place.look(text)
    return place
