"""A job with a job user finds none of five planted canaries; without one of the protections it finds one.

a: a token in the environment of the flow and of a worker; b: the ledger; c: Prefect's profile; d: a key; e: a Secret
block, through the API of a real server. hunter.py is told where each of them is.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from build_rig import BuildRig
from job_user_rig import FIRST, job_python
from ledger_jobs import accept, order
from processes import ROOT
from real_processes import start_prefect
from waiting import block_until

from console.checks.job_user import closed_to
from local.stack import free_port, inherited, prefect_settings
from storage.ledger import Ledger, open_ledger
from tasks.operations.require_password import asks_for_a_password
from tasks.process.users import JobUser

HUNTER = Path(__file__).with_name("hunter.py")
USER, PASSWORD = "admin", "a-password-of-ours"
CANARY = "canary-{}-0123abcd"


@contextmanager
def prefect_server(home: Path, env: Mapping[str, str]) -> Iterator[str]:
    """The API's address of a real server that keeps its data in *home*."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    words = ("server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-services")
    server = start_prefect(home / "server.log", {**inherited(), **prefect_settings(home, url), **env}, *words)
    try:
        block_until(lambda: _answers(url), within=90)
        yield url
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def locked_api(server_home: Path) -> Iterator[str]:
    """A server that asks for a password, and has a secret."""
    with prefect_server(server_home, {"PREFECT_SERVER_API_AUTH_STRING": f"{USER}:{PASSWORD}"}) as url:
        with httpx.Client(base_url=url, auth=(USER, PASSWORD)) as client:
            kind = client.get("/block_types/slug/secret").raise_for_status().json()["id"]
            wanted = {"block_schemas": {"block_type_id": {"any_": [kind]}}}
            schema = client.post("/block_schemas/filter", json=wanted).raise_for_status().json()[0]["id"]
            secret = {"name": "canary", "block_type_id": kind, "block_schema_id": schema}
            client.post("/block_documents/", json={**secret, "data": {"value": CANARY.format("e")}}).raise_for_status()
        yield url


@pytest.fixture(scope="module")
def open_api(server_home: Path, locked_api: str) -> Iterator[str]:
    """The same server, asking for none."""
    with prefect_server(server_home, {}) as url:
        assert url != locked_api
        yield url


@dataclass
class Grounds:
    """The places of the canaries, closed to other users."""

    rig: BuildRig
    worker: int

    @property
    def hidden(self) -> dict[str, Path]:
        place = self.rig.folder
        return {
            "b": place / "state" / "ledger.db",
            "c": place / "home" / ".prefect" / "profiles.toml",
            "d": place / "keys" / "key.pem",
        }

    def open_to_all(self, letter: str) -> None:
        path = self.hidden[letter]
        for folder in path.parents[:-1]:
            if folder.is_relative_to(self.rig.folder) and folder != self.rig.folder:
                folder.chmod(0o755)
        for one in path.parent.glob(f"{path.name}*"):
            one.chmod(0o644)

    def command(self, api_url: str) -> list[str]:
        places = [str(path.parent) for path in self.hidden.values()] + list(map(str, self.hidden.values()))
        pids = f"{self.worker},{os.getpid()}"
        return [job_python(), "-I", "-c", HUNTER.read_text(), api_url, pids, *places]


@pytest.fixture
def ledger_url(place: Path) -> str:
    """A ledger that is made as a flow makes it."""
    return f"sqlite:///{place}/state/ledger.db"


@pytest.fixture
def worker() -> Iterator[int]:
    """A process of ours with a token in its environment, as a worker is."""
    env = {"REPORTBACK_GITHUB_TOKEN": CANARY.format("a"), "PATH": os.defpath}
    with subprocess.Popen(["sleep", "600"], env=env) as process:
        yield process.pid
        process.kill()


@pytest.fixture
async def grounds(rig: BuildRig, ledger: Ledger, ledger_url: str, worker: int) -> Grounds:
    async with open_ledger(ledger_url):
        """Made by the first process that opens it."""
    await accept(ledger, order(CANARY.format("b")))
    made = Grounds(rig, worker)
    for letter in ("c", "d"):
        path = made.hidden[letter]
        (path.parent if letter == "d" else path.parents[1]).mkdir(mode=0o700)
        path.parent.mkdir(exist_ok=True)
        path.write_text(CANARY.format(letter))
    made.hidden["d"].chmod(0o600)
    return made


async def hunted(grounds: Grounds, api_url: str) -> str:
    """The canaries that a job found."""
    grounds.rig.lines.clear()
    await grounds.rig.run(grounds.command(api_url))
    assert grounds.rig.lines[-1].startswith("found:"), grounds.rig.lines
    return "".join(grounds.rig.lines[-1].split()[1:])


async def test_a_job_with_a_job_user_finds_no_canary(grounds: Grounds, locked_api: str) -> None:
    assert await hunted(grounds, locked_api) == ""


async def test_without_a_job_user_it_finds_every_canary_on_this_machine(grounds: Grounds, locked_api: str) -> None:
    grounds.rig = replace(grounds.rig, users=())
    assert await hunted(grounds, locked_api) == "abcd"


@pytest.mark.parametrize("letter", ["b", "c", "d"])
async def test_it_finds_a_world_readable_canary(letter: str, grounds: Grounds, locked_api: str) -> None:
    grounds.open_to_all(letter)
    assert await hunted(grounds, locked_api) == letter


async def test_it_reads_the_secret_from_a_server_without_a_password(grounds: Grounds, open_api: str) -> None:
    assert await hunted(grounds, open_api) == "e"


async def test_doctor_names_the_readable_file_and_the_server_without_a_password(
    grounds: Grounds, locked_api: str, open_api: str
) -> None:
    me, paths = JobUser(FIRST, FIRST), list(grounds.hidden.values())
    assert (await closed_to(me, paths)).ok
    assert await asks_for_a_password(locked_api)
    assert not await asks_for_a_password(open_api)
    for letter, path in grounds.hidden.items():
        grounds.open_to_all(letter)
        finding = await closed_to(me, paths)
        assert not finding.ok
        assert str(path) in finding.words


FLOW = """
import asyncio, sys
from pathlib import Path
from tasks.process import user_lock
user_lock.LOCKS = Path(sys.argv[1])
from flows.docs_job import docs_job
state = asyncio.run(docs_job(job="hunt", return_state=True))
print(state.type.value, state.message)
"""


async def test_a_job_run_by_the_whole_flow_finds_no_canary(grounds: Grounds, locked_api: str) -> None:
    place, command = grounds.rig.folder, grounds.command(locked_api)
    script = place / "hunter.py"
    shutil.copy(HUNTER, script)
    script.chmod(0o644)
    command[1:4] = [str(script)]
    (place / "jobs.toml").write_text(f"version = 1\n[jobs.hunt]\ncommand = {json.dumps(command)}\n")
    env = {
        **inherited(),
        **prefect_settings(place / "home" / ".prefect", locked_api),
        "PREFECT_API_AUTH_STRING": f"{USER}:{PASSWORD}",
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(place / "tmp"),
        "REPORTBACK_JOB_USER": f"{FIRST}-{FIRST + 3}",
        "REPORTBACK_GITHUB_TOKEN": CANARY.format("a"),
        "REPORTBACK_JOBS_FILE": str(place / "jobs.toml"),
        "REPORTBACK_DATABASE_URL": f"sqlite:///{grounds.hidden['b']}",
        "REPORTBACK_CACHE_DIR": str(place / "cache"),
        "REPORTBACK_OUTPUT_DIR": str(place / "outputs"),
    }
    grounds.hidden["c"].write_text(f'active = "canary"\n[profiles.canary]\nPREFECT_API_KEY = "{CANARY.format("c")}"\n')
    flow = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", FLOW, str(place / "locks")], env=env, cwd=place, capture_output=True, text=True,
    )  # fmt: skip
    assert "COMPLETED" in flow.stdout, flow.stdout + flow.stderr
    said = [line.partition("found:")[2] for line in flow.stderr.splitlines() if "found:" in line]
    assert said == [""], flow.stderr
