"""Rejections are typed: each cause has a reason, GitHub's message and request id, and a remedy."""

import re
from datetime import timedelta

import pytest
from ledger_jobs import SHA, order, run_job
from processes import ROOT
from sqlmodel import col, select
from world import World

from domain.delivery.outcome import Reason
from domain.delivery.report import EventKind, Phase
from fake_github.faults import Kind
from fake_github.store import Draft
from storage.models import Credential, ReportEvent, StatusReport

DAY = 24 * 60 * 60
COLUMN = 32


def a_422(words: str, field: str | None = None) -> dict[str, object]:
    errors = [{"resource": "Status", "code": "custom", "field": field, "message": words}]
    body = {"message": "Validation Failed", "errors": errors} if field else {"message": words}
    return {"kind": Kind.ANSWER, "status": 422, "body": body}


REFUSALS: dict[str, tuple[dict[str, object], Reason, str]] = {
    "no permission": ({"kind": Kind.FORBIDDEN}, Reason.NO_PERMISSION, "not accessible by integration"),
    "archived": ({"kind": Kind.ARCHIVED}, Reason.ARCHIVED, "archived so is read-only"),
    "blocked": ({"kind": Kind.BLOCKED, "status": 403}, Reason.BLOCKED, "Repository access blocked: tos"),
    "blocked by law": ({"kind": Kind.BLOCKED}, Reason.BLOCKED, "Repository access blocked: dmca"),
    "single sign-on": ({"kind": Kind.SSO}, Reason.SSO_REQUIRED, "SAML enforcement"),
    "gone": ({"kind": Kind.GONE}, Reason.GONE, "no longer supported"),
    "too many": ({"kind": Kind.TOO_MANY}, Reason.TOO_MANY_STATUSES, "maximum number of statuses"),
    "bad url": (a_422("target_url must use http(s) scheme", "target_url"), Reason.BAD_URL, "http(s) scheme"),
    "too long": (a_422("description is too long", "description"), Reason.BAD_DESCRIPTION, "description is too long"),
    "four bytes": (a_422("no 4-byte Unicode", "description"), Reason.BAD_DESCRIPTION, "4-byte Unicode"),
    "bad context": (a_422("context is too long", "context"), Reason.BAD_CONTEXT, "context is too long"),
    "bad state": (a_422("state is not included in the list", "state"), Reason.BAD_STATE, "not included"),
    "spammed": (a_422("the endpoint has been spammed"), Reason.BAD_REQUEST, "spammed"),
}


async def report_and_answer(world: World) -> tuple[StatusReport, ReportEvent]:
    """The current report, and its last recorded answer."""
    newest = (await world.target()).newest_id
    with world.ledger.transaction() as tx:
        report = tx.session.exec(select(StatusReport).where(StatusReport.id == newest)).one()
        answers = select(ReportEvent).where(ReportEvent.report_id == newest, col(ReportEvent.http_status).is_not(None))
        return report, tx.session.exec(answers.order_by(col(ReportEvent.id))).all()[-1]


@pytest.mark.parametrize("database", ["sqlite"])  # the answer is the same on both
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusal_is_sent_once_and_kept_with_its_reason_words_and_request_id(world: World, refusal: str) -> None:
    fault, reason, words = REFUSALS[refusal]
    world.fault(**fault, times=0)  # type: ignore[arg-type]  # the fields of a fault, checked by it
    await run_job(world.ledger, order())
    await world.reconcile(passes=8, every=DAY)
    report, answer = await report_and_answer(world)
    assert (world.posts(), (await world.phases())["success"]) == (1, Phase.REJECTED)
    assert (report.rejection, answer.kind) == (reason, EventKind.REJECTED)
    assert answer.note is not None
    assert answer.note.startswith(f"{reason}: ")
    assert words in answer.note
    assert re.fullmatch(r"57A1:[0-9A-F]{6}", answer.github_request_id or "")


async def test_a_rejection_is_delivered_once_its_cause_is_gone_and_it_is_reopened(world: World) -> None:
    world.fault(Kind.ARCHIVED)
    await run_job(world.ledger, order())
    await world.deliver()
    assert await world.reopen()
    await world.deliver()
    assert world.held() == ["success"]


MAY_HEAL = {
    "a commit": (Kind.NO_SUCH_COMMIT, Reason.NO_SUCH_COMMIT, f"No commit found for SHA: {SHA}"),
    "a repository": (Kind.NOT_FOUND, Reason.NOT_FOUND, "Not Found"),
}


@pytest.mark.parametrize("database", ["sqlite"])  # the same
@pytest.mark.parametrize("missing", MAY_HEAL)
async def test_a_report_refused_for_an_hour_of_growing_waits_is_rejected(world: World, missing: str) -> None:
    kind, reason, words = MAY_HEAL[missing]
    world.fault(kind, times=0)
    await run_job(world.ledger, order())
    await world.reconcile(passes=180, every=60)
    report, answer = await report_and_answer(world)
    assert report.rejection == reason
    assert report.rejected_at is not None
    assert timedelta(hours=1) <= report.rejected_at - report.created_at < timedelta(hours=2)
    assert words in str(answer.note)
    assert 5 < world.posts() < 20


@pytest.mark.parametrize("missing", MAY_HEAL)
async def test_a_delivery_within_the_hour_makes_one_status(world: World, missing: str) -> None:
    world.fault(MAY_HEAL[missing][0], times=3)
    await run_job(world.ledger, order())
    await world.reconcile(passes=60, every=60)
    assert (world.held(), world.posts()) == (["success"], 4)


async def test_bad_credentials_pause_every_sender_and_reject_nothing(world: World) -> None:
    world.fault(Kind.BAD_CREDENTIALS, times=0)
    for context in ("docs/sphinx", "docs/other"):
        await run_job(world.ledger, order(context))
        await world.deliver(context)
    _, answer = await report_and_answer(world)
    with world.ledger.transaction() as tx:
        pause = tx.session.exec(select(Credential.pause_reason)).one()
    assert (world.posts(), (await world.phases())["success"]) == (1, Phase.DUE)
    assert (answer.kind, pause) == (EventKind.THROTTLED, Reason.BAD_CREDENTIALS)
    assert (answer.note, answer.github_request_id) == ("bad_credentials: Bad credentials", "57A1:000001")


async def test_a_full_commit_costs_a_report_one_request_however_many_days_follow(world: World) -> None:
    """GitHub really holds 1000 statuses; a reporter was once seen to call it 1,400 times for such a commit."""
    draft = Draft(repository="acme/site", sha=SHA, context="docs/sphinx", state="success")
    for _ in range(1000):
        world.github.store.add(world.github.store.drafted(draft))
    await run_job(world.ledger, order())
    await world.reconcile(passes=10, every=DAY)
    report, answer = await report_and_answer(world)
    assert (world.posts(), world.asked("GET")) == (1, 0)
    assert report.rejection == Reason.TOO_MANY_STATUSES
    assert "This SHA and context has reached the maximum number of statuses." in str(answer.note)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_fits_its_column_and_has_a_remedy(reason: Reason) -> None:
    written = (ROOT / "docs" / "rejections.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in written.splitlines() if line.startswith(f"| `{reason}` | ")]
    assert len(rows) == 1
    assert len(rows[0][2]) > len(" |")
    assert len(reason) <= COLUMN


def test_no_remedy_is_for_an_unknown_reason() -> None:
    written = (ROOT / "docs" / "rejections.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", written, re.MULTILINE)) == {reason.value for reason in Reason}
