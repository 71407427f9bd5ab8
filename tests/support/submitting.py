"""Submits jobs to as much of Prefect's API as that takes."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from processes import ROOT

from console.submission.requested_job import Words
from console.submission.submit import Exit, submit

API = "http://prefect.test/api"
SHA = "3f2a91c0" * 5
PAYLOADS = ROOT / "tests" / "console" / "submission" / "payloads"
FLOW, DEPLOYMENT = str(uuid4()), str(uuid4())


def state(kind: str, name: str = "", message: str | None = None) -> dict[str, object]:
    now = datetime.now(UTC).isoformat()
    return {"id": str(uuid4()), "type": kind, "name": name or kind.title(), "message": message, "timestamp": now}


class Prefect:
    """As much of Prefect's API as starting and watching a flow run takes."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.states: list[dict[str, object]] = [state("COMPLETED", message="succeeded in 3 s")]
        self.report: dict[str, object] | None = state("COMPLETED")
        self.percent: float | None = None
        self.last: httpx.Request | None = None
        self.pool_is_paused = False
        self.worker: str | None = "ONLINE"

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The parameters of each flow run that was made."""
        return [run["parameters"] for run in self.runs.values()]

    def start(self, request: httpx.Request) -> httpx.Response:
        self.last, asked = request, json.loads(request.content)
        is_new = asked["idempotency_key"] not in self.runs
        made = {"id": str(uuid4()), "flow_id": FLOW, "name": "ada", "parameters": asked["parameters"]}
        run = self.runs.setdefault(asked["idempotency_key"], made)
        return httpx.Response(201 if is_new else 200, json=run)

    def read(self, _request: httpx.Request) -> httpx.Response:
        now = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        run = next(iter(self.runs.values()))
        return httpx.Response(200, json={**run, "state": now, "state_type": now["type"], "state_name": now["name"]})

    def reports(self, _request: httpx.Request) -> httpx.Response:
        one = {"id": str(uuid4()), "task_key": "report_status-1", "dynamic_key": "0", "state": self.report}
        return httpx.Response(200, json=[one] if self.report else [])

    def pool(self, _request: httpx.Request) -> httpx.Response:
        pool = {"id": str(uuid4()), "name": "reportback-jobs", "type": "process", "default_queue_id": str(uuid4())}
        return httpx.Response(200, json={**pool, "is_paused": self.pool_is_paused})

    def workers(self, _request: httpx.Request) -> httpx.Response:
        seen = {"last_heartbeat_time": datetime.now(UTC).isoformat(), "status": self.worker}
        one = {"id": str(uuid4()), "name": "w1", "work_pool_id": str(uuid4()), **seen}
        return httpx.Response(200, json=[one] if self.worker else [])

    def bars(self, _request: httpx.Request) -> httpx.Response:
        bar = {"id": str(uuid4()), "type": "progress", "data": self.percent}
        return httpx.Response(200, json=[bar] if self.percent is not None else [])


def words(**changed: object) -> Words:
    given: dict[str, Any] = {
        "job_type": "sphinx", "repository": "acme/site", "ref": SHA, "context": "", "url": "", "options": (),
        "key": None, **changed,
    }  # fmt: skip
    return Words(**given)


async def submitted(asked: Words, *, waits: bool) -> Exit:
    return await submit(asked.job_type, words=asked, waits=waits)


IN_ACTIONS = words(repository=None, ref=None)


def in_actions(monkeypatch: pytest.MonkeyPatch, event: str, payload: str, *, attempt: int = 1) -> None:
    """Be a step of a workflow that *event* started."""
    for name, value in {
        "ACTIONS": "true",
        "EVENT_NAME": event,
        "EVENT_PATH": str(PAYLOADS / f"{payload}.json"),
        "REPOSITORY": "Codertocat/Hello-World",
        "SHA": "1" * 40,
        "RUN_ID": "1658821493",
        "RUN_ATTEMPT": str(attempt),
    }.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
