"""The page of a job in Prefect's UI."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from domain.delivery.report import EventKind, Phase
from domain.delivery.target import StatusState, Target
from domain.jobs.job_states import JobState
from domain.operations.job_history import Blockers, Event, JobHistory, ReportHistory
from domain.operations.job_page import FOUND, TAIL, page
from domain.output.findings import Finding, Level

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHA = "3f2a91c0" * 5
SITE = Target("acme/site", SHA, "docs/sphinx")
COMMIT = f"https://github.com/acme/site/commit/{SHA}"
REFUSED = ReportHistory(
    8, 2, StatusState.SUCCESS, Phase.REJECTED, rejection="archived",
    events=(
        Event(NOW, EventKind.RECORDED, "job"),
        Event(NOW, EventKind.REJECTED, "task of sphinx 3f2a91c acme/site", 403, "57A1:1", "archived: read-only"),
    ),
)  # fmt: skip
PENDING = ReportHistory(7, 2, StatusState.PENDING, Phase.DELIVERED, status_id=41)
BEFORE = ReportHistory(6, 1, StatusState.FAILURE, Phase.DELIVERED, status_id=40)
JOB = JobHistory(
    "sphinx", {"processes": 2}, SITE, 2, JobState.SUCCEEDED, NOW, NOW + timedelta(seconds=12), "succeeded in 12 s",
    (BEFORE, PENDING, REFUSED),
)  # fmt: skip


def shown(job: JobHistory = JOB, **given: object) -> str:
    return page(job, at=NOW, commit_url=COMMIT, **given)  # type: ignore[arg-type]  # a test's shorthand


def test_the_page_says_what_was_run_and_what_came_of_it() -> None:
    text = shown()
    assert text.startswith("- Job: `sphinx`, execution 2\n")
    for words in (
        '- Options: `{"processes": 2}`\n',
        f"- Commit: [{SHA[:7]}](<{COMMIT}>) of acme/site\n",
        "- Context: docs/sphinx\n",
        "- Outcome: **succeeded**: succeeded in 12 s\n",
        "- Ended: 2026-11-23 12:00:12 UTC\n",
        "*As of 2026-11-23 12:00:00 UTC.*",
    ):
        assert words in text


def test_the_page_shows_the_reports_history_the_outcome_first() -> None:
    text = shown()
    assert text.index("## Report 8, `success`: rejected") < text.index("## Report 7, `pending`: delivered")
    assert "GitHub refuses it: `archived`. Unarchive the repository" in text
    words = "**rejected** by task of sphinx 3f2a91c acme/site; GitHub 403 `57A1:1`; archived\\: read-only\n"
    assert f"- 2026-11-23 12:00:00 {words}" in text
    assert "- execution 1, report 6, `failure`: delivered" in text


def test_the_page_shows_the_last_lines_of_the_output() -> None:
    text = shown(tail=[f"line {number}" for number in range(100)])
    assert "line 79\n" not in text
    assert f"```text\nline {100 - TAIL}\n" in text
    assert "line 99\n```" in text
    assert "end of its output" not in shown()


def test_findings_link_to_their_lines_the_worst_first() -> None:
    found = [
        Finding("docs/a b.md", 3, Level.WARNING, "no [such] page"), Finding("", None, Level.FAILURE, "gone.md: lost"),
        Finding("docs/b.md", 7, Level.FAILURE, "x"),
    ]  # fmt: skip
    text, blob = shown(findings=found), COMMIT.replace("/commit/", "/blob/")
    assert (
        f"- **failure** [docs/b\\.md\\:7](<{blob}/docs/b.md?plain=1#L7>)\\: x\n".replace("\\.", ".").replace(
            ")\\:", "):"
        )
        + "- **failure** gone.md\\: lost\n"
        + f"- **warning** [docs/a b.md\\:3](<{blob}/docs/a%20b.md?plain=1#L3>): no \\[such\\] page\n"
    ) in text
    assert "`docs/b.md:7`: x" in page(JOB, at=NOW, findings=found)
    assert "What it found" not in shown()


def test_of_many_findings_the_rest_are_counted() -> None:
    found = [Finding("a.md", number, Level.WARNING, "x") for number in range(1, FOUND + 6)]
    text = shown(findings=found)
    assert text.count("- **warning**") == FOUND
    assert "And 5 more, in the log." in text


def test_a_note_comes_first() -> None:
    assert shown(note="nothing to do").splitlines()[0] == "**nothing to do**"


def test_a_job_without_a_target_reports_nowhere() -> None:
    bare = replace(JOB, target=None, reports=(), options={}, started_at=None, ended_at=None, summary=None)
    text = page(bare, at=NOW)
    assert "reports nowhere" in text
    assert "- Options: none\n" in text
    assert "## Report" not in text


def test_events_that_are_left_out_are_counted() -> None:
    assert "3 earlier events are not shown." in shown(replace(JOB, reports=(replace(REFUSED, left_out=3),)))


def test_nothing_from_outside_becomes_a_link_or_html() -> None:
    nasty = "<script>x</script> [a](http://evil.example) http://evil.example | b"
    events = (Event(NOW, EventKind.UNKNOWN, nasty, 500, nasty, nasty),)
    job = replace(
        JOB, target=Target("acme/site", SHA, nasty), options={"a": nasty}, summary=nasty,
        reports=(replace(REFUSED, events=events, phase=Phase.DUE, blockers=Blockers(due_at=NOW)),),
    )  # fmt: skip
    outside_code = re.sub(r"(`+).*?\1", "", shown(job, note=nasty))
    assert "<script" not in outside_code.replace("\\<script", "")
    assert re.findall(r"https?://[^>]*", outside_code) == [COMMIT]


def test_no_word_is_longer_than_a_telephones_line() -> None:
    long = "x" * 300
    job = replace(
        JOB, target=Target(f"acme/{long}", SHA, long), options={"a": long}, summary=long,
        reports=(replace(REFUSED, events=(Event(NOW, EventKind.UNKNOWN, long, 500, "57A1:1", long),)),),
    )  # fmt: skip
    assert "x" * 30 not in shown(job, note=long)


def test_flow_runs_page_is_linked() -> None:
    assert "(<https://prefect.example/runs/1>)" in shown(flow_run_url="https://prefect.example/runs/1")
