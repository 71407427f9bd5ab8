"""The systemd units and the Containerfile, which no test can run, name only what exists."""

import json
import re
import shlex
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from cyclopts import convert
from prefect.settings.models.worker import WorkerWebserverSettings

import cli
from local.work_pools import JOBS_AT_ONCE, POOLS
from settings import ROOT, Settings
from tasks.process.users import NEEDED

UNITS = sorted((ROOT / "ops" / "systemd").glob("*.service"))
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
PLACE = "/opt/reportback/.venv/bin/"
COMMANDS = ("ExecStartPre", "ExecStart", "ExecStop", "ExecStopPost")


def lines_of(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)


def span(text: str) -> timedelta:
    found: timedelta = convert(timedelta, (text,))
    return found


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_runs_commands_that_there_are(unit: Path) -> None:
    commands = [shlex.split(line) for key in COMMANDS for line in lines_of(unit, key)]
    assert commands
    assert all(command[0] in {f"{PLACE}prefect", f"{PLACE}reportback"} for command in commands)
    for _, *words in (command for command in commands if command[0].endswith("reportback")):
        assert cli.app.parse_args(words, exit_on_error=False, print_error=False)[0].__name__ == words[0]
    for pool in (word for command in commands for word in command if word.startswith("reportback-")):
        assert pool in POOLS


def test_a_worker_with_job_users_has_the_capabilities_that_it_needs_and_no_other() -> None:
    conf = ROOT / "ops" / "systemd" / "job-users.conf"
    needed = {f"CAP_{name}" for name in NEEDED}
    for key in ("AmbientCapabilities", "CapabilityBoundingSet"):
        (line,) = lines_of(conf, key)
        assert set(line.split()) == needed


def test_a_worker_for_jobs_takes_as_many_as_its_memory_carries_however_it_is_started() -> None:
    (started,) = lines_of(ROOT / "ops" / "systemd" / "reportback-worker-jobs.service", "ExecStart")
    (command,) = re.findall(r"^CMD (.*)$", CONTAINERFILE, re.MULTILINE)
    documents = [(ROOT / name).read_text(encoding="utf-8") for name in ("prefect.yaml", "docs/deploy.md")]
    for text in (started, " ".join(json.loads(command)), *documents):
        assert f"--pool reportback-jobs --limit {JOBS_AT_ONCE}" in text


def test_what_reaches_the_jobs_own_programs_takes_nothing_from_a_browser() -> None:
    unit = (ROOT / "ops" / "systemd" / "reportback-worker-jobs.service").read_text(encoding="utf-8")
    keys = set(re.findall(r"^(Private\w+|Protect\w+|Restrict\w+|SystemCall\w+|MemoryDeny\w+)=", unit, re.MULTILINE))
    assert keys == {"PrivateTmp", "ProtectHome", "ProtectSystem"}
    assert lines_of(ROOT / "ops" / "systemd" / "reportback-worker-jobs.service", "OOMPolicy") == ["continue"]


def test_the_health_of_two_workers_of_a_machine_is_at_two_ports() -> None:
    workers = [unit for unit in UNITS if "worker" in unit.stem]
    ports = {port for unit in workers for port in re.findall(r"WEBSERVER_PORT=(\d+)", unit.read_text(encoding="utf-8"))}
    assert len(ports) == len(workers) == 2
    assert all("--with-healthcheck" in lines_of(unit, "ExecStart")[0] for unit in workers)


def test_a_stop_of_the_jobs_worker_has_time_to_drain() -> None:
    unit = ROOT / "ops" / "systemd" / "reportback-worker-jobs.service"
    (stop,), (timeout,) = lines_of(unit, "ExecStop"), lines_of(unit, "TimeoutStopSec")
    assert span(stop.rpartition("--timeout ")[2]) < span(timeout.replace("min", "m"))


def test_a_worker_that_has_ended_lets_the_pool_that_it_paused_go_on() -> None:
    unit = ROOT / "ops" / "systemd" / "reportback-worker-jobs.service"
    (stop,), (after,) = lines_of(unit, "ExecStop"), lines_of(unit, "ExecStopPost")
    assert after == stop.partition(" --timeout")[0].replace(" drain ", " resume ")


@pytest.mark.parametrize("unit", [unit for unit in UNITS if "worker" in unit.stem], ids=lambda unit: unit.stem)
def test_a_worker_has_a_temporary_folder_of_its_own_that_job_users_can_pass(unit: Path) -> None:
    (folder,), (mode,) = lines_of(unit, "CacheDirectory"), lines_of(unit, "CacheDirectoryMode")
    assert f"TMPDIR=/var/cache/{folder}" in lines_of(unit, "Environment")
    assert int(mode, 8) & 0o077 == 0o011
    example = (ROOT / "ops" / "systemd" / "reportback.env").read_text(encoding="utf-8")
    assert f"TMPDIR=/var/cache/{folder}\n" in example  # a shell that has it checks the workers' folder


def test_the_unit_of_prefects_server_has_postgresql() -> None:
    (named,) = lines_of(ROOT / "ops" / "systemd" / "prefect-server.service", "EnvironmentFile")
    example = (ROOT / "ops" / "systemd" / Path(named).name).read_text(encoding="utf-8")
    assert "PREFECT_SERVER_DATABASE_CONNECTION_URL=postgresql+asyncpg://" in example


def test_the_example_of_an_environment_names_settings_that_there_are() -> None:
    text = (ROOT / "ops" / "systemd" / "reportback.env").read_text(encoding="utf-8")
    names = re.findall(r"^REPORTBACK_(\w+)=", text, re.MULTILINE)
    assert {name.lower() for name in names} - {"github_token"} <= Settings.model_fields.keys()


def copied_into_the_container() -> set[str]:
    return {source for line in re.findall(r"^COPY (.*)$", CONTAINERFILE, re.MULTILINE) for source in line.split()[:-1]}


def test_a_build_of_the_container_sees_only_what_it_copies() -> None:
    lines = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert (rules[0], rules[-1]) == ("*", "**/__pycache__")
    assert {rule.removeprefix("!") for rule in rules[1:-1]} == copied_into_the_container()
    assert all(rule.startswith("!") for rule in rules[1:-1])


def test_a_container_says_that_its_worker_is_healthy() -> None:
    assert 'ENTRYPOINT ["prefect", "worker", "start", "--with-healthcheck"]' in CONTAINERFILE
    (asked,) = re.findall(r"^HEALTHCHECK [^\n]*\\\n +CMD (.*)$", CONTAINERFILE, re.MULTILINE)
    _, _, code = shlex.split(asked)
    compile(code, "HEALTHCHECK", "exec")
    assert "://127.0.0.1:$PREFECT_WORKER_WEBSERVER_PORT/health" in code
    assert f"PREFECT_WORKER_WEBSERVER_PORT={WorkerWebserverSettings().port} " in CONTAINERFILE


def test_the_container_copies_what_there_is_and_all_that_is_installed() -> None:
    copied = copied_into_the_container()
    assert all((ROOT / source).exists() for source in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    setuptools = project["tool"]["setuptools"]
    needed = {pattern.removesuffix("*") for pattern in setuptools["packages"]["find"]["include"]}
    needed |= {f"{one}.py" for one in setuptools["py-modules"]}
    needed |= {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    assert needed | {"prefect.yaml", "jobs.toml", "requirements/run.txt"} <= copied


def test_the_container_installs_as_make_does() -> None:
    install = (ROOT / "requirements" / "install.sh").read_text(encoding="utf-8")
    for words in ("--no-deps --require-hashes --only-binary :all: -r", "--no-deps --no-build-isolation -e ."):
        assert words in install
        assert words in CONTAINERFILE


def test_the_container_runs_as_an_unprivileged_user() -> None:
    assert re.search(r"^USER reportback$", CONTAINERFILE, re.MULTILINE)
    assert CONTAINERFILE.index("USER reportback") < CONTAINERFILE.index("ENTRYPOINT")


def test_the_base_image_is_a_build_argument() -> None:
    assert re.findall(r"^(?:ARG|FROM) .*$", CONTAINERFILE, re.MULTILINE) == [
        "ARG BASE=docker.io/library/python:3.12-slim",
        "FROM ${BASE}",
    ]
