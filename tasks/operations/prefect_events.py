"""Converts notifications to Prefect events, `reportback.…`, for automations. docs/operate.md lists them."""

from collections.abc import Mapping
from typing import assert_never
from uuid import UUID

from prefect.events import Event

from domain.delivery.notifications import (
    Covered,
    Lost,
    Move,
    NeverStarted,
    Notification,
    Overdue,
    Paused,
    ReportName,
    Resumed,
)
from domain.delivery.report import EventKind

NAMES = {
    EventKind.DELIVERED: "delivered",
    EventKind.FOUND: "delivered",
    EventKind.LATE: "late",
    EventKind.REPAIRED: "repaired",
    EventKind.OVERRIDDEN: "overridden",
}


def event_of(notification: Notification, run_id: UUID) -> Event | None:
    """The event for *notification*, sent by the flow run *run_id*. None: there is none for it."""
    match notification:
        case Move():
            name = _name_of(notification)
            return _of_report(name, notification.report, _moved(notification), run_id) if name else None
        case Overdue(report, recorded_at, last_error):
            return _of_report("undelivered", report, {"recorded_at": recorded_at, "words": last_error}, run_id)
        case Paused(credential, until, reason):
            resource = _resource(f"reportback.credential.{credential}", credential, {"reason": reason})
            payload = {"credential": credential, "until": until, "reason": reason}
            return _event("reportback.credential.paused", resource, payload, {"teller": run_id})
        case Resumed():  # at a shell, which sends no events
            return None
        case Lost(job_id, execution, words):
            return _of_job("lost", job_id, {"execution": execution, "words": words}, run_id)
        case NeverStarted(job_id, words):
            return _of_job("never_started", job_id, {"words": words}, run_id)
        case Covered(job_id, words):
            return _of_job("covered", job_id, {"words": words}, run_id)
        case other:
            assert_never(other)


def _name_of(move: Move) -> str | None:
    match move:
        case Move(kind=EventKind.REJECTED, rejection=str()):
            return "rejected"
        case Move(kind=EventKind.SUPERSEDED, attempt=None):  # not again when a sender notices it
            return "superseded"
        case _:
            return NAMES.get(move.kind)


def _moved(move: Move) -> dict[str, object]:
    return {
        "at": move.at, "actor": move.actor, "attempt": move.attempt, "outcome": move.kind, "reason": move.rejection,
        "http_status": move.http_status, "request_id": move.request_id, "seconds": move.seconds, "words": move.note,
    }  # fmt: skip


def _of_report(name: str, report: ReportName, details: Mapping[str, object], run_id: UUID) -> Event:
    target = report.target
    labels = {"state": report.state, "repository": target.repository, "context": target.context}
    called = f"{report.state} of {target.repository}@{target.sha[:7]} {target.context}"
    resource = _resource(f"reportback.report.{report.id}", called, {**labels, "reason": details.get("reason")})
    payload = {"report": report.id, "job": report.job_id, "execution": report.execution, "sha": target.sha, **labels}
    return _event(
        f"reportback.report.{name}", resource, {**payload, **details}, {"flow-run": report.job_id, "teller": run_id}
    )


def _of_job(name: str, job_id: UUID, details: Mapping[str, object], run_id: UUID) -> Event:
    resource = _resource(f"reportback.job.{job_id}", f"job {job_id}", {})
    return _event(
        f"reportback.job.{name}", resource, {"job": job_id, **details}, {"flow-run": job_id, "teller": run_id}
    )


def _resource(resource_id: str, name: str, labels: Mapping[str, object]) -> dict[str, str]:
    known = {f"reportback.{key}": str(value) for key, value in labels.items() if value is not None}
    return {"prefect.resource.id": resource_id, "prefect.resource.name": name, **known}


def _event(name: str, resource: dict[str, str], details: Mapping[str, object], flow_runs: Mapping[str, UUID]) -> Event:
    """*flow_runs* by role; a flow run with two roles is named once, by the first, which Prefect's actions use."""
    roles: dict[UUID, str] = {}
    for role, run_id in flow_runs.items():
        roles.setdefault(run_id, role)
    related = [
        {"prefect.resource.id": f"prefect.flow-run.{run_id}", "prefect.resource.role": role}
        for run_id, role in roles.items()
    ]
    payload = {key: value for key, value in details.items() if value is not None}
    return Event.model_validate({"event": name, "resource": resource, "related": related, "payload": payload})
