"""Breakages of check runs: each leaves out a rule of their protocol."""

from breakages.breakage import Breakage

PLAN = "domain/delivery/check_run.py"
FACTS = "domain/delivery/run_facts.py"
ROWS = "storage/delivery/check_runs/rows.py"
LEASE = "storage/delivery/leases.py"
DELIVER = "tasks/delivery/deliver.py"
FIND = "tasks/delivery/find_run.py"
RULES = "tests/scenarios/check_runs/test_counterexamples.py"
CRASHES = "tests/scenarios/check_runs/test_crashes.py"
RUNS = "tests/delivery/check_runs/test_check_runs.py"
STORED = "tests/storage/delivery/test_check_runs.py"

CHECK_RUNS = (
    Breakage(
        "a run in doubt is not looked for",
        LEASE,
        "read_back=check.step.run.read_back if check else",
        "read_back=False if check else",
        (f"{RULES}::test_read_back_a_run_that_a_dead_sender_made_is_found",),
    ),
    Breakage(
        "a run does not tell which request it has",
        FACTS,
        "return Saying(int(number)) if",
        "return Saying.UNDER_WAY if",
        (f"{RULES}::test_numbered_a_conclusion_that_a_dead_sender_sent_is_found",),
    ),
    Breakage(
        "a conclusion in doubt is sent again at once",
        DELIVER,
        "case Seen() | Rejected() if in_doubt:",
        "case Rejected() if in_doubt:",
        (f"{RULES}::test_doubt_waits_a_conclusion_stored_late_is_not_sent_beside_it",),
    ),
    Breakage(
        "a newer run is made beside an open older one",
        PLAN,
        "        if run.is_open:\n",
        "        if False:\n",
        (f"{RULES}::test_close_before_create_the_newer_is_the_last_that_was_made_and_that_ended",),
    ),
    Breakage(
        "an older run whose create is in doubt is forgotten",
        PLAN,
        "return (self.github_id is not None or self.read_back) and",
        "return self.github_id is not None and",
        (f"{RULES}::test_close_looks_an_older_run_whose_create_is_in_doubt_is_looked_for",),
    ),
    Breakage(
        "a deleted older run holds up the newer",
        FACTS,
        "case Rejected() if step.request is Request.CLOSE:",
        "case Rejected() if False:",
        (f"{RULES}::test_refused_close_is_closed_a_deleted_run_holds_up_nothing",),
    ),
    Breakage(
        "a run stays open for its annotations",
        FACTS,
        "if step.request is Request.CONCLUDE and reason in CONTENT_REFUSED:",
        "if False:",
        (f"{RULES}::test_refused_goes_plain_a_run_does_not_stay_open_for_its_annotations",),
    ),
    Breakage(
        "a lease that ran out leaves no doubt about runs",
        LEASE,
        "    if target.has_check_runs:\n        rows.doubt(",
        "    if False:\n        rows.doubt(",
        (f"{RULES}::test_read_back_a_run_that_a_dead_sender_made_is_found",),
    ),
    Breakage(
        "shown annotations are no sign of a conclusion",
        FACTS,
        "plain=run.plain or (shows.annotated and not shows.said),",
        "plain=run.plain,",
        (f"{RULES}::test_github_settles_fields_that_lag_are_not_believed_against_shown_annotations",),
    ),
    Breakage(
        "an older run ends as the newer begins",
        "domain/delivery/check_output.py",
        "step.newer_at - timedelta(seconds=1)",
        "step.newer_at",
        (f"{RULES}::test_close_before_create_the_newer_is_the_last_that_was_made_and_that_ended",),
    ),
    Breakage(
        "a run that one server denies is made again",
        FIND,
        "if listed.shows == Seen(None) else listed",
        "",
        (f"{RUNS}::test_a_run_that_is_listed_is_not_made_again_though_its_page_is_denied",),
    ),
    Breakage(
        "a deleted run is asked for on and on",
        FACTS,
        "case Rejected() if is_gone and run.generation < MOST_GENERATIONS:",
        "case Rejected() if False:",
        (f"{RULES}::test_a_run_that_github_deleted_is_made_again_with_its_lines",),
    ),
    Breakage(
        "a second run stays as it is",
        PLAN,
        "        if run.second_id is not None and run.second_said < saying:\n",
        "        if False:\n",
        (f"{RULES}::test_nobody_sleeps_a_second_run_gets_the_same_conclusion_without_annotations",),
    ),
    Breakage(
        "a covered run is made again with its lines",
        FACTS,
        "known[mine.id] = renewed(known[mine.id], plain=True)",
        "known[mine.id] = renewed(known[mine.id], plain=False)",
        (f"{RULES}::test_nobody_sleeps_a_create_sent_late_is_counted_and_the_newer_shown_again",),
    ),
    Breakage(
        "an amendment sends annotations",
        PLAN,
        "Request.AMEND if mine.said else",
        "",
        (f"{RUNS}::test_an_execution_thought_lost_that_comes_back_amends_its_run",),
    ),
    Breakage(
        "another App's run with our marker is ours",
        FACTS,
        "and app in (None, shown.app or app)",
        "",
        ("tests/domain/delivery/test_run_facts.py::test_another_apps_run_with_our_marker_is_not_ours",),
    ),
    Breakage(
        "after a restore runs are not doubted",
        "storage/maintenance/restored.py",
        "    rows.doubt(tx, col(StatusTarget.has_check_runs)",
        "    (tx, col(StatusTarget.has_check_runs)",
        (
            f"{STORED}::test_after_a_restore_what_github_has_already_is_found",
            f"{STORED}::test_after_a_restore_a_job_that_ends_again_shows_each_line_once",
        ),
    ),
    Breakage(
        "one status answers for another's check run",
        "github_api/check_runs.py",
        "github_id not in (None, outcome.status_id)",
        "False",
        ("tests/github_api/test_check_runs.py::test_an_update_is_answered_by_the_run_that_it_updates",),
    ),
)
