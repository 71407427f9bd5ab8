"""The operators' status page in Prefect's UI."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.delivery.report import Phase
from domain.delivery.target import StatusState, Target
from domain.operations.job_history import Blockers
from domain.operations.job_runs import RunCounts, Standing
from domain.operations.metrics import Pause
from domain.operations.overview import SLOTS, Day, Listed, Overview, Refusals, Slot, day_before
from domain.operations.status_page import Links, headline, page

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHA = "3f2a91c0" * 5
JOB = UUID(int=7)
DUE = Listed(
    41, JOB, Target("acme/site", SHA, "docs/sphinx"), StatusState.SUCCESS, Phase.DUE, NOW - 12 * MINUTE,
    Blockers(due_at=NOW + 4 * MINUTE), "503 from GitHub",
)  # fmt: skip
REFUSED = replace(DUE, id=17, phase=Phase.REJECTED, blockers=Blockers(), last_error="archived: read-only")
LINKS = Links(lambda job: f"https://prefect.example/{job}", lambda target: f"https://github.com/{target.sha}")
QUIET = Overview(NOW, 0, (), (), (), Day(day_before(NOW), {}, 0, (Slot(),) * SLOTS))


def text_of(**changes: object) -> str:
    return page(replace(QUIET, **changes), LINKS)  # type: ignore[arg-type]  # a test's shorthand


def test_with_nothing_open_it_says_so_and_shows_the_day() -> None:
    assert headline(QUIET) == "Nothing is undelivered, nothing is rejected."
    assert text_of(day=replace(QUIET.day, requests=1)).startswith("## The last day\n")
    assert "*As of 2026-11-23 12:00:00 UTC." in text_of()


def test_a_day_without_anything_takes_one_line() -> None:
    day = replace(QUIET.day, slots=(*QUIET.day.slots[1:], Slot(undelivered=0)))
    line, foot, *rest = text_of(day=day).strip().split("\n\n")
    assert line == "Since 2026-11-22 12:30 UTC: no outcome, no request, nothing undelivered."
    assert foot.startswith("*As of")
    assert not rest
    assert "## The last day" in text_of(day=replace(day, slots=(*QUIET.day.slots[1:], Slot(undelivered=1))))


def test_the_day_says_since_which_day() -> None:
    assert "| since 2026-11-22 12:30 UTC |" in text_of(day=replace(QUIET.day, requests=1))


def test_the_headline_counts_open_reports() -> None:
    seen = replace(
        QUIET, undelivered=9000, oldest=(DUE,), rejected=(Refusals("archived", 3, ()), Refusals("gone", 1, ())),
        pauses=(Pause("env:TOKEN", NOW, "rate_limited"),),
    )  # fmt: skip
    assert headline(seen) == ("**9,000 undelivered**, the oldest for 12 min; **4 rejected**; **1 credential pauses**.")


def test_an_undelivered_report_says_since_when_which_when_next_and_why() -> None:
    assert (
        f"- **12 min**: [report 41](<https://prefect.example/{JOB}>), success of [3f2a91c](<https://github.com/{SHA}>) "
        "acme/site, docs/sphinx; next try in 4 min; 503 from GitHub\n"
    ) in text_of(undelivered=1, oldest=(DUE,))


def test_a_pause_and_a_sender_are_shown() -> None:
    paused = replace(DUE, blockers=Blockers(due_at=NOW, paused_until=NOW + MINUTE, pause_reason="rate_limited"))
    assert "next try in 1 min, its credential pauses: `rate_limited`" in text_of(undelivered=1, oldest=(paused,))
    sending = replace(DUE, phase=Phase.SENDING)
    assert "; being sent" in text_of(undelivered=1, oldest=(sending,))


def test_a_rejection_comes_with_its_remedy_and_what_to_run() -> None:
    text = text_of(rejected=(Refusals("archived", 3, (REFUSED,)),))
    assert "## Rejected, `archived`: 3\n\nUnarchive the repository" in text
    assert "`reportback reports retry --reason archived`" in text
    assert "docs/sphinx; archived\\: read-only\n" in text
    assert "And 2 more: `reportback reports list --rejected --reason archived`" in text


def test_omitted_rows_are_counted() -> None:
    assert "And 8,999 more: `reportback reports list --undelivered`" in text_of(undelivered=9000, oldest=(DUE,))
    assert "more:" not in text_of(undelivered=1, oldest=(DUE,))


def test_a_pause_comes_with_its_end_and_its_remedy() -> None:
    text = text_of(pauses=(Pause("env:TOKEN", NOW + MINUTE, "bad_credentials"),))
    assert "## Credential `env:TOKEN` pauses\n\nUntil 2026-11-23 12:01:00 UTC: `bad_credentials`. Renew" in text
    assert "The next request ends it" in text_of(pauses=(Pause("env:TOKEN", NOW, "bad_credentials"),))


def test_the_last_days_figures_are_those_that_are_not_zero() -> None:
    day = replace(QUIET.day, outcomes={Phase.DELIVERED: 1403, Phase.REJECTED: 4}, requests=2817)
    text = text_of(day=day)
    for row in (
        "| outcomes of jobs | 1,407 |",
        "| on GitHub | 1,403 |",
        "| rejected | 4 |",
        "| requests sent | 2,817 |",
    ):
        assert row in text
    assert "superseded" not in text


def test_nothing_from_outside_becomes_a_link_or_html() -> None:
    nasty = "<script>x</script> [a](http://evil.example) http://evil.example | b"
    report = replace(DUE, target=Target("acme/site", SHA, nasty), last_error=nasty)
    text = text_of(undelivered=1, oldest=(report,), rejected=(Refusals("archived", 1, (report,)),))
    outside_code = re.sub(r"(`+).*?\1", "", text)
    assert "<script" not in outside_code.replace("\\<script", "")
    assert "http\\://evil" in outside_code
    assert "http://evil" not in outside_code


def test_no_word_is_longer_than_a_telephones_line() -> None:
    long = "x" * 300
    report = replace(DUE, target=Target(f"acme/{long}", SHA, long), last_error=long)
    assert "x" * 30 not in text_of(undelivered=1, oldest=(report,), rejected=(Refusals("archived", 1, (report,)),))


def test_a_long_error_is_cut() -> None:
    assert text_of(undelivered=1, oldest=(replace(DUE, last_error="word " * 100),)).count("word") < 40


def test_a_prefect_without_a_ui_has_no_links_to_it() -> None:
    links = replace(LINKS, run=lambda _: None)
    assert "**12 min**: report 41, success of" in page(replace(QUIET, undelivered=1, oldest=(DUE,)), links)


def test_jobs_that_do_not_start_are_a_line_of_the_page() -> None:
    counts = {Standing.WAITING: 2, Standing.LATE: 1, Standing.STARTING: 0, Standing.RUNNING: 3}
    assert (
        "Jobs: 2 waiting; 3 running; **1 late**, the oldest for 12 min: is there a worker, and is its pool paused?; "
        "**4 never started** in the last day. `reportback runs list`\n"
    ) in text_of(runs=RunCounts(NOW, counts, NOW - 12 * MINUTE), never_started=4)
    assert "Jobs:" not in text_of(runs=RunCounts(NOW, dict.fromkeys(Standing, 0)))
