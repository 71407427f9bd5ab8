"""The requests of check runs: an answer counts only if it is about the run that was asked for."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from ledger_jobs import SHA

from domain.delivery.check_output import CheckRequest
from domain.delivery.check_run import Request, Run, Step
from domain.delivery.outcome import Delivered, Unknown
from domain.delivery.target import Target
from github_api.check_runs import CheckRuns

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TARGET = Target("acme/site", SHA, "docs/build")


def update() -> CheckRequest:
    run = Run(1, UUID(int=1), 1, 1, "0" * 24, NOW, github_id=7)
    return CheckRequest(Step(Request.PLAIN, run, 2, NOW), TARGET, "built", "1 page")


@pytest.mark.parametrize(
    ("number", "name", "outcome"), [(7, "docs/build", Delivered), (8, "docs/build", Unknown), (7, "other", Unknown)]
)
async def test_an_update_is_answered_by_the_run_that_it_updates(number: int, name: str, outcome: type[object]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("PATCH", "/repos/acme/site/check-runs/7")
        body = httpx.ByteStream(json.dumps({"id": number, "name": name}).encode())
        return httpx.Response(200, stream=body, headers={"X-GitHub-Request-Id": "1:2"})

    async with CheckRuns("http://github.test", timedelta(seconds=15), lambda: NOW, httpx.MockTransport(answer)) as runs:
        assert isinstance((await runs.send(update(), "a-token")).outcome, outcome)
