"""What `reportback doctor` says about Prefect's deployments and the reconciliation's next pass."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import DeploymentStatus
from prefect.client.schemas.responses import DeploymentResponse

from console.checks.deployments import Expected, deployed, on_time
from console.checks.finding import Finding

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEDGER, OTHER = uuid4(), uuid4()
RECONCILE, DOCS = "reconcile-reports/reconcile-reports", "docs-job/docs-job"


def deployment(
    *, paused: bool = False, active: tuple[bool, ...] = (True,), tags: Sequence[str] = (), **more: object
) -> DeploymentResponse:
    schedules = [{"schedule": {"interval": 60}, "active": one} for one in active]
    made = {"name": "one", "flow_id": uuid4(), "paused": paused, "schedules": schedules, "tags": tags}
    return DeploymentResponse.model_validate({"work_pool_name": "reportback-jobs", **made, **more})


def shown(name: str, one: DeploymentResponse | None, ledger: UUID | None = LEDGER) -> Finding:
    return deployed(name, one, Expected(ledger, ["sphinx"], MINUTE))


@pytest.mark.parametrize(
    ("one", "ok"),
    [
        (deployment(), True),
        (deployment(active=(False, True)), True),
        (deployment(active=(False,)), False),
        (deployment(active=()), False),
        (deployment(paused=True), False),
        (None, False),
    ],
)
def test_a_reconciliation_that_prefect_will_not_start_is_wrong(one: DeploymentResponse | None, *, ok: bool) -> None:
    assert shown(RECONCILE, one).ok is ok


def test_another_interval_than_the_settings_is_wrong() -> None:
    finding = deployed(RECONCILE, deployment(), Expected(None, None, 2 * MINUTE))
    assert (finding.ok, finding.words) == (
        False,
        "is scheduled every 0:01:00, and REPORTBACK_INTERVAL here is 0:02:00: run `make deploy`",
    )


def test_a_deployment_without_a_schedule_is_started_by_people() -> None:
    assert shown("retry-reports/retry-reports", deployment(active=())) == Finding(
        "deployment retry-reports", True, "is there"
    )


def test_a_deployment_that_brings_an_environment_is_wrong() -> None:
    one = deployment()
    one.job_variables = {"env": {"A": "1"}}
    finding = shown(RECONCILE, one)
    assert (finding.ok, finding.words) == (False, "brings job variables (env): run `make deploy`")


@pytest.mark.parametrize(
    ("tags", "ledger", "ok"),
    [
        ([f"ledger:{LEDGER}"], LEDGER, True),
        ([f"ledger:{OTHER}"], None, True),  # the ledger cannot be opened: a finding of its own
        ([], LEDGER, True),  # as `make up` serves it
        ([f"ledger:{OTHER}"], LEDGER, False),
        (["ledger:"], LEDGER, False),
    ],
)
def test_a_deployment_for_another_ledger_is_wrong(tags: list[str], ledger: UUID | None, *, ok: bool) -> None:
    finding = shown("retry-reports/retry-reports", deployment(tags=tags), ledger)
    assert finding.ok is ok
    assert ok or "`make deploy`" in finding.words


def form(*names: str) -> dict[str, Any]:
    return {"parameter_openapi_schema": {"definitions": {"JobName": {"enum": list(names)}}}}


@pytest.mark.parametrize(
    ("names", "declared", "words"),
    [
        (["sphinx"], ["sphinx"], "is there"),
        (["sphinx"], None, "is there"),
        (["sphinx", "old"], ["sphinx"], "still has old, unlike jobs.toml: run `make deploy`"),
        (["sphinx"], ["sphinx", "new"], "lacks new, unlike jobs.toml: run `make deploy`"),
        (["old"], ["new"], "lacks new and still has old, unlike jobs.toml"),
    ],
)
def test_a_form_with_other_job_types_than_jobs_toml_is_wrong(
    names: list[str], declared: Collection[str] | None, words: str
) -> None:
    finding = deployed(DOCS, deployment(**form(*names)), Expected(None, declared, MINUTE))
    assert finding.words.startswith(words)
    assert finding.ok is (words == "is there")


@pytest.mark.parametrize("status", [DeploymentStatus.READY, DeploymentStatus.NOT_READY])
def test_a_served_deployment_is_right_while_its_process_lives(status: DeploymentStatus) -> None:
    finding = shown(RECONCILE, deployment(work_pool_name=None, status=status))
    assert finding.ok is (status is DeploymentStatus.READY)
    assert "a process" in finding.words or "`make up`" in finding.words


@pytest.mark.parametrize(
    ("planned", "ok", "words"),
    [
        (NOW + timedelta(seconds=40), True, "in 40 s"),
        (NOW, True, "due now"),
        (NOW - 2 * MINUTE, True, "due now"),
        (NOW - 5 * MINUTE, False, "the one that was due 5 min ago has not begun"),
        (None, False, "restart Prefect's server"),
    ],
)
def test_a_pass_that_is_late_or_not_planned_is_wrong(planned: datetime | None, *, ok: bool, words: str) -> None:
    finding = on_time(planned, NOW, MINUTE)
    assert finding.ok is ok
    assert words in finding.words
