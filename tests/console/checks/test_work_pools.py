"""What `reportback doctor` says about Prefect's work pools and their workers."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import Worker, WorkerStatus, WorkPool, WorkQueue
from prefect.workers.process import ProcessWorker

from console.checks.work_pools import closed, online, stopped
from local.work_pools import CLOSED

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
NAME = "reportback-jobs"


def pool(template: dict[str, Any] = CLOSED, **more: object) -> WorkPool:
    made = {"name": NAME, "type": "process", "base_job_template": template, "default_queue_id": uuid4(), **more}
    return WorkPool.model_validate(made)


def queue(*, is_paused: bool) -> WorkQueue:
    return WorkQueue(name="urgent", work_pool_id=uuid4(), is_paused=is_paused)


def worker(name: str, status: WorkerStatus, *, seen: timedelta) -> Worker:
    return Worker(name=name, work_pool_id=uuid4(), status=status, last_heartbeat_time=NOW - seen)


@pytest.mark.parametrize(
    "template",
    [
        ProcessWorker.get_default_base_job_template(),
        {},
        {**CLOSED, "variables": {}},
        {**CLOSED, "variables": {"type": "object", "properties": {}}},
        {**CLOSED, "job_configuration": {"stream_output": True, "env": {}}},
        {**CLOSED, "job_configuration": {"stream_output": True, "command": "{{ command }}"}},
    ],
)
def test_a_pool_that_a_flow_run_can_bring_something_to_is_wrong(template: dict[str, Any]) -> None:
    assert not closed(NAME, pool(template)).ok


def test_a_closed_pool_is_right_and_a_missing_one_is_not() -> None:
    assert closed(NAME, pool()).ok
    assert "run `make deploy`" in closed(NAME, None).words


@pytest.mark.parametrize(
    ("one", "queues", "cure"),
    [
        (pool(is_paused=True), [], "`reportback resume reportback-jobs`"),
        (pool(concurrency_limit=2, active_slots=2), [], "`prefect work-pool clear-concurrency-limit reportback-jobs`"),
        (pool(concurrency_limit=0), [], "`prefect work-pool clear-concurrency-limit reportback-jobs`"),
        (pool(), [queue(is_paused=True)], "`prefect work-queue resume urgent --pool reportback-jobs`"),
    ],
)
def test_a_pool_whose_runs_do_not_start_is_wrong(one: WorkPool, queues: list[WorkQueue], cure: str) -> None:
    (finding,) = stopped(one, queues)
    assert not finding.ok
    assert cure in finding.words


def test_a_pool_with_room_and_open_queues_is_right() -> None:
    assert list(stopped(pool(concurrency_limit=2, active_slots=1), [queue(is_paused=False)])) == []


def test_each_worker_that_is_online_is_named_with_when_it_was_seen() -> None:
    workers = [
        worker("docs-1", WorkerStatus.ONLINE, seen=timedelta(seconds=7)),
        worker("docs-2", WorkerStatus.ONLINE, seen=timedelta(seconds=-1)),  # its server's clock is ahead
        worker("old", WorkerStatus.OFFLINE, seen=timedelta(days=2)),
    ]
    (finding,) = online(NAME, workers, NOW)
    assert (finding.ok, finding.words) == (True, "online: docs-1 (seen 7 s ago), docs-2 (seen 0 s ago)")


@pytest.mark.parametrize(
    ("workers", "words"),
    [
        ([], "there never was one"),
        (
            [
                worker("older", WorkerStatus.OFFLINE, seen=timedelta(days=2)),
                worker("docs-1", WorkerStatus.OFFLINE, seen=timedelta(minutes=5)),
            ],
            "the last one, docs-1, was seen 5 min ago",
        ),
    ],
)
def test_a_pool_without_a_worker_online_is_wrong(workers: list[Worker], words: str) -> None:
    (finding,) = online(NAME, workers, NOW)
    assert not finding.ok
    assert words in finding.words
    assert "`prefect worker start --pool reportback-jobs`" in finding.words


def test_the_reconciliation_s_worker_has_its_limit() -> None:
    (finding,) = online("reportback-reconcile", [], NOW)
    assert "`prefect worker start --pool reportback-reconcile --limit 2`" in finding.words
