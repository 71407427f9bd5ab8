"""The automations of ops/prefect, installed as docs/operate.md says on a real server, fire on their events."""

import subprocess
import sys
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from prefect import get_client
from prefect.events import Event
from prefect.settings import PREFECT_API_URL
from waiting import until

from domain.delivery.notifications import Lost, Move, NeverStarted, Notification, Overdue, Paused, ReportName
from domain.delivery.outcome import Reason
from domain.delivery.report import EventKind
from domain.delivery.target import StatusState, Target
from settings import ROOT
from tasks.operations.prefect_events import event_of
from tasks.operations.publish_events import _send

FILE = ROOT / "ops" / "prefect" / "automations.yaml"
OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
AUTOMATIONS = yaml.safe_load(FILE.read_text(encoding="utf-8"))["automations"]
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def notifications_of_every_kind(job_id: UUID) -> tuple[Notification, ...]:
    report = ReportName(17, StatusState.SUCCESS, job_id, 1, Target("acme/site", "3f2a91c0" * 5, "docs/sphinx"))
    return (
        Move(report, "archived", EventKind.REJECTED, AT, "ann", attempt=1),
        Overdue(report, AT, "HTTP 502"),
        Paused("env:TOKEN", AT, Reason.BAD_CREDENTIALS),
        Paused("env:OTHER", AT, Reason.SECONDARY_LIMIT),
        Lost(job_id, 1, "its process died"),
        NeverStarted(job_id, "its worker died"),
    )


def late_event() -> Event:
    """What Prefect's server publishes of a flow run of docs-job that no worker takes."""
    flow = {"prefect.resource.id": f"prefect.flow.{uuid4()}", "prefect.resource.role": "flow"}
    return Event.model_validate({
        "event": "prefect.flow-run.Late",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{uuid4()}"},
        "related": [{**flow, "prefect.resource.name": "docs-job"}],
    })  # fmt: skip


async def triggered() -> list[str]:
    """The automations that have been triggered, by their names, as often as they were."""
    wanted = {"filter": {"event": {"name": ["prefect.automation.triggered"]}}}
    async with get_client() as client:
        found = (await client.request("POST", "/events/filter", json=wanted)).json()["events"]
    return sorted(one["resource"]["prefect.resource.name"] for one in found)


@pytest.mark.usefixtures("prefect")
async def test_the_documented_command_installs_automations_that_are_triggered() -> None:
    command = (sys.executable, "-m", "prefect", "automation", "create", "--from-file", str(FILE.relative_to(ROOT)))
    assert " ".join(command[2:]) in OPERATE
    done = subprocess.run(  # noqa: ASYNC221  # nothing else is to go on
        command, check=False, cwd=ROOT, env={"PREFECT_API_URL": str(PREFECT_API_URL.value())}, capture_output=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    names = sorted(one["name"] for one in AUTOMATIONS)
    assert not set(names) & set(await triggered())
    await _send([event for one in notifications_of_every_kind(uuid4()) if (event := event_of(one, uuid4()))])
    await _send([late_event()])

    async def all_are() -> bool:
        return await triggered() == names

    await until(all_are, what="every automation triggered")


@pytest.mark.parametrize("automation", AUTOMATIONS, ids=lambda one: one["name"])
def test_each_automation_leads_to_what_to_do(automation: dict[str, str]) -> None:
    page, _, anchor = automation["description"].partition("#")
    assert page.endswith("/docs/operate.md")
    assert f"\n### {anchor}\n" in OPERATE.lower()
