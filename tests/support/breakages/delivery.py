"""Breakages of delivery: claiming, reading back, sending, settling, verifying."""

from breakages.breakage import Breakage

LEASE = "storage/delivery/leases.py"
SETTLING = "storage/delivery/settling.py"
REPORTS = "storage/delivery/reports.py"
DELIVER = "tasks/delivery/deliver.py"
SETTLEMENT = "domain/delivery/settlement.py"
LEASES = "tests/storage/delivery/test_leases.py"
READS = "tests/delivery/test_read_back.py"
REVIEW = "tests/delivery/test_deliver.py"
PAUSES = "tests/delivery/test_pauses.py"
LATE = "tests/delivery/verification/test_late_requests.py"
VERIFY = "tasks/delivery/verify.py"
VERIFY_READS = "tasks/delivery/verification_reads.py"
SETTLED = "tests/storage/delivery/test_settling.py"
SHARED = "tests/delivery/test_shared_budget.py"
OVERTAKEN = "tests/delivery/test_overtaken_reads.py"
SECRETS = "tests/delivery/test_refused_secrets.py"
STATUS = "domain/delivery/commit_status.py"
SURFACE = "tests/delivery/test_surface.py"
GIVEN_UP = "tests/delivery/test_given_up.py"
LISTED = "tests/delivery/verification/test_listings.py"
OVERRIDES = "tests/delivery/verification/test_overrides.py"
TIMES = "tests/delivery/verification/test_verification_times.py"
CRASHES = "tests/scenarios/crashes/test_crashes.py"
BUDGET = "tests/delivery/test_write_budget.py"
MOMENTS = "tests/delivery/test_moments.py"
FAIR = "tests/tasks/delivery/test_fairness.py"
WAITS = "tests/storage/test_lock_waits.py"
TASK = "tests/tasks/test_report_status.py"
HELD = "col(StatusTarget.id) == lease.target_id, col(StatusTarget.lease) == lease.token)"
AHEAD = "tests/delivery/clock_jumps/test_clock_ahead.py"
JUMPS = "tests/delivery/clock_jumps/test_clock_jumps.py"

DELIVERY = (
    Breakage("settle without the lease", SETTLING, "    .where(MINE)\n", '    .where(TARGETS.c.id == bindparam("target_id"), bindparam("token", type_=TARGETS.c.lease.type).is_not(None))\n', (f"{SETTLED}::test_a_late_settle_only_adds_an_event_and_requests_a_verification",)),
    Breakage("two leases at once", REPORTS, "return and_(TARGETS.c.lease.is_(None), ", "return and_(", (f"{LEASES}::test_a_lease_is_held_until_it_expires_and_then_read_back",)),
    Breakage("a claim in doubt", REPORTS, "TARGETS.c.doubt_until <= now, READS_BACK)", "TARGETS.c.doubt_until <= now, TARGETS.c.doubt_until > now)", (f"{LEASES}::test_in_doubt_a_target_is_claimed_only_to_read_back",)),
    Breakage("a claim while the credential pauses", LEASE, "if not (pauses.is_paused(held_by, tx.now) or asks_secret):", "if not asks_secret:", (f"{LEASES}::test_a_paused_credential_is_not_claimed_with",)),
    Breakage("a claim beyond the budget", LEASE, "or_(READS_BACK, bindparam(", "or_(READS_BACK.is_not(None), bindparam(", (f"{BUDGET}::test_the_minute_limit_binds_also_an_urgent_outcome",)),
    Breakage("no lease check after reading", LEASE, "    if not tx.execute(RENEW, **mine, lease_expires_at=expires_at).rowcount:\n        return None\n", "", (f"{OVERTAKEN}::test_a_newer_report_that_comes_while_reading_is_sent_in_its_place",)),
    Breakage("the older one's backoff moves the newer", SETTLING, 'if_newer=bindparam("due_if_newer", type_=TARGETS.c.due_at.type)', 'if_newer=case((bindparam("due_if_newer", type_=TARGETS.c.due_at.type).is_not(None), bindparam("own_due_at", type_=TARGETS.c.due_at.type)))', (f"{SETTLED}::test_a_newer_report_is_due_at_once_whatever_the_olders_state",)),
    Breakage("a lease that ran out starts no doubt", LEASE, "values(**RELEASED, doubt_until=doubt)", "values(**RELEASED)", (f"{LEASES}::test_a_lease_is_held_until_it_expires_and_then_read_back",)),
    Breakage("a lease that ran out is not read back", LEASE, "== report_id).values(read_back=True))", "== report_id).values(read_back=False))", (f"{LEASES}::test_a_lease_is_held_until_it_expires_and_then_read_back",)),
    Breakage("a link that GitHub does not keep is not recorded", VERIFY, "    if found.is_unmarked:\n        verification.note_unmarked(tx, snapshot)\n", "", ("tests/scenarios/test_assumptions.py::test_a_marker_github_does_not_keep_makes_a_second_status_that_is_logged_not_counted",)),
    Breakage("a refusal requests no verification", SETTLING, "if is_refused or ", "if ", ("tests/scenarios/test_assumptions.py::test_a_status_stored_despite_a_refusal_is_counted",)),
    Breakage("a late settle requests no verification", SETTLING, "        verification.schedule(tx, lease.target_id)\n", "", (f"{SETTLED}::test_a_late_settle_only_adds_an_event_and_requests_a_verification",)),
    Breakage("blind resend on unknown", SETTLEMENT, "return self.doubt_until is not None", "return False", (f"{REVIEW}::test_a_request_that_is_stored_after_we_gave_up_is_found_and_not_repeated",)),
    Breakage("an unknown starts no doubt", SETTLEMENT, "due_at=later, doubt_until=doubt,", "due_at=later,", (f"{REVIEW}::test_a_lost_reply_makes_one_status",)),
    Breakage("given up by nothing", SETTLEMENT, "if tries.failing_since is None or", "if True or", ("tests/domain/delivery/test_settlement.py",)),
    Breakage("given up after two tries a week apart", SETTLEMENT, ">= policy.expire_after_days_of_tries", ">= 1", (GIVEN_UP,)),
    Breakage("a missing token counts as a try", SETTLEMENT, "return Settlement(EventKind.THROTTLED, note_of(outcome), due_at=due_at,", "return Settlement(EventKind.NOT_SENT, note_of(outcome), due_at=due_at,", (GIVEN_UP,)),
    Breakage("a copy of its link is taken for a report", "tasks/delivery/find_marker.py", "if kind.is_at(one, report.target)), None)", "), None)", (READS,)),
    Breakage("reading back knows commit statuses only", "tasks/delivery/find_marker.py", "kind.carries(one, report.marker)", 'f"report={report.marker}" in str(one.target_url)', (f"{SURFACE}::test_through_a_lost_reply_it_gets_the_report_once",)),
    Breakage("verification knows commit statuses only", VERIFY, "found = kind.shown(", "from domain.delivery.commit_status import shown\n    found = shown(", (f"{SURFACE}::test_what_covers_a_report_is_for_the_surface_to_say",)),
    Breakage("first page only", "tasks/delivery/find_marker.py", "if page.next_url is None or is_beyond(", "if True or is_beyond(", (f"{READS}::test_it_is_found_on_the_third_page",)),
    Breakage("absence believed at once", DELIVER, "case Absent() if _is_in_doubt(lease, claimed_at):", "case Absent() if False:", (f"{REVIEW}::test_a_request_that_was_dropped_is_sent_again_only_after_its_doubt",)),
    Breakage("sends with too little of its lease left", DELIVER, "< reporter.policy.timeout:", "< timedelta(0):", (f"{REVIEW}::test_an_attempt_with_too_little_of_its_lease_left_does_not_send",)),
    Breakage("mark before send", DELIVER, "    sent = await reporter.surface.create(lease.report, token.value)\n", "    await _settle(reporter, lease, Sent(Delivered(1), Exchange()))\n    sent = await reporter.surface.create(lease.report, token.value)\n", (f"{CRASHES}::test_a_crash_anywhere_still_ends_in_one_status[straight-sqlite]",)),
    Breakage("never reads back", DELIVER, "    if lease.read_back:\n", "    if False:\n", (f"{REVIEW}::test_a_lost_reply_makes_one_status",)),
    Breakage("a filter's page counts as accepted by GitHub", "storage/delivery/events.py", "noted_reason(event.note) not in NOT_FROM_GITHUB", "True", ("tests/scenarios/replies/test_intermediaries.py",)),
    Breakage("accepted, never shown, for ever", DELIVER, ".unconfirmed >= reporter.policy.unverifiable_after", ".unconfirmed < 0", (f"{GIVEN_UP}::test_five_requests_that_github_accepts_and_never_shows_are_enough",)),
    Breakage("an older report is current", REPORTS, "if old is not None and not supersedes(", "if old is None and not supersedes(", ("tests/storage/delivery/test_reports.py::test_the_later_turn_is_current_whichever_is_recorded_first",)),
    Breakage("doubt forgotten when superseded", REPORTS, "tx.execute(MAKE_NEWEST, ", "tx.execute(MAKE_NEWEST, doubt_until=None, ", (f"{OVERTAKEN}::test_a_newer_report_waits_for_the_doubt_of_the_one_it_supersedes",)),
    Breakage("reopening clears read_back", REPORTS, "values(rejected_at=None, rejection=None)", "values(rejected_at=None, rejection=None, read_back=False)", ("tests/storage/delivery/test_reports.py::test_a_rejected_report_is_reopened_and_still_reads_back",)),
    Breakage("reopening what is superseded", REPORTS, "    if target.newest_id != report_id:\n        return False\n", "", ("tests/storage/delivery/test_reports.py::test_a_superseded_report_is_not_reopened",)),
    Breakage("many probes after a pause", "storage/delivery/pauses.py", ".values(paused_until=until))", ".values(paused_until=one.paused_until))", ("tests/storage/delivery/test_credentials.py::test_after_a_pause_one_probe_goes_through",)),
    Breakage("a refused secret pauses senders with another one", "storage/delivery/pauses.py", " and credential.pause_reason != Reason.BAD_CREDENTIALS", "", (SECRETS,)),
    Breakage("a refused secret is not asked for", LEASE, "asks_secret = secret is None and pauses.has_refused(credential, tx.now)", "asks_secret = False", (SECRETS,)),
    Breakage("the answer to another secret ends the pause of a refused one", "storage/delivery/credentials.py", "    is_over = is_probe(", "    pauses.resume(tx, credential)\n    is_over = is_probe(", (SECRETS,)),
    Breakage("a refused secret is tried every minute", "storage/delivery/pauses.py", "timedelta(seconds=before.pause_seconds) if before else None", "None", (SECRETS,)),
    Breakage("a secret that was refused since is sent all the same", DELIVER, "    lease = replace(lease, secret=token.secret)\n", "    lease = replace(lease, secret=str(lease.token))\n", (SECRETS,)),
    Breakage("a refused secret is never forgotten", "storage/delivery/pauses.py", "found.paused_until + LONGEST_PAUSE > tx.now", "found.paused_until is not None", (SECRETS,)),
    Breakage("reconciliation offers no target of a credential whose token was renewed", "storage/delivery/due.py", "<= now, FOR_A_REFUSED_SECRET)", "<= now)", (SECRETS,)),
    Breakage("verification offers no target of a credential whose token was renewed", "storage/delivery/verification.py", "<= tx.now, FOR_A_REFUSED_SECRET)", "<= tx.now)", (SECRETS,)),
    Breakage("a reconciliation run is kept busy by a refused secret", "storage/delivery/due.py", "        col(Credential.name).not_in(waiting),\n", "", ("tests/tasks/delivery/test_deliver_due.py",)),
    Breakage("a proxy ends GitHub's pause", "storage/delivery/credentials.py", "has_answer and is_from_github(outcome)", "has_answer", ("tests/scenarios/replies/test_intermediaries.py",)),
    Breakage("a proxy's answer that broke off ends GitHub's pause", "storage/delivery/credentials.py", "exchange.request_id is not None or", "exchange.http_status is not None or", ("tests/scenarios/replies/test_intermediaries.py",)),
    Breakage("a repair while the newest is not listed yet", STATUS, "    if own is None or not reading.is_ordered:\n", "    own = own or next(iter(listed), None)\n    if own is None or not reading.is_ordered:\n", (f"{LISTED}::test_reads_that_lag_behind_the_newest_repair_nothing_and_are_repeated_later",)),
    Breakage("pages that do not fit together are believed", STATUS, " or not reading.is_ordered", "", (f"{LISTED}::test_statuses_that_push_more_than_a_page_between_two_reads_repair_nothing",)),
    Breakage("an order that GitHub's time contradicts is believed", STATUS, "is_clear = top.created_at >= own.created_at - MARGIN", "is_clear = True", ("tests/domain/delivery/test_commit_status.py",)),
    Breakage("an override on top is covered", STATUS, "    if report is None:\n        return Shown(doubled, is_clear=True, overriding=top, is_unmarked=is_unmarked)\n", "", (f"{OVERRIDES}::test_an_override_is_recorded_once_for_each_status",)),
    Breakage("an earlier edition is not recognised", "storage/delivery/verification.py", "    return {report.marker, *(", "    return {report.marker} or {*(", (f"{LATE}::test_an_earlier_edition_of_an_older_report_covers_as_its_last_one_does",)),
    Breakage("a copy counts only where both are listed", STATUS, "ours.stored_as.get(mark, status.id)", "status.id", (f"{LATE}::test_a_copy_is_counted_though_only_one_of_the_two_is_listed",)),
    Breakage("a verification forgets one requested meanwhile", "storage/delivery/verification.py", "mine = and_(col(StatusTarget.id) == seen.target_id, is_same)", "mine = col(StatusTarget.id) == seen.target_id", (f"{TIMES}::test_a_verification_requested_during_another_is_made",)),
    Breakage("an unclear verification counts as done", VERIFY, "    if is_clear:\n", "    if True:\n", (f"{LISTED}::test_reads_that_lag_behind_the_newest_repair_nothing_and_are_repeated_later",)),
    Breakage("a verification is given up for lack of a token", "storage/delivery/verification.py", "(VERIFIES_FOR if is_answered else VERIFIES_UNANSWERED_FOR)", "VERIFIES_FOR", (TIMES,)),
    Breakage("a verification requested by a late sender has the delivery's age", "storage/delivery/verification.py", "_late_at(tx, target_id) or newest.delivered_at", "newest.delivered_at", (TIMES,)),
    Breakage("a verification is given up without an event", VERIFY, "    if again_at is None:\n", "    if False:\n", (f"{TIMES}::test_a_commit_that_can_no_longer_be_read_is_verified_for_a_day",)),
    Breakage("a repair waits for the hour", "storage/delivery/verification.py", ".values(due_at=tx.now, bulk_at=None)", ".values(due_at=tx.now)", (LATE,)),
    Breakage("a refusal of a clock that was ahead lasts an hour", "storage/delivery/future_times.py", "for one in (credential, *refused):", "for one in (credential,):", (f"{AHEAD}::test_a_secret_that_was_refused_while_the_clock_was_ahead_waits_for_its_minute_only",)),
    Breakage("verifications without end", "storage/delivery/verification.py", "    if age >= (VERIFIES_FOR if is_answered else VERIFIES_UNANSWERED_FOR):\n        return None\n", "", (f"{TIMES}::test_a_commit_that_can_no_longer_be_read_is_verified_for_a_day",)),
    Breakage("repairs without end", "storage/delivery/verification.py", "    if edition > MOST_EDITIONS:\n        return False\n", "", (f"{LATE}::test_repairs_end_where_they_do_not_help",)),
    Breakage("a repair of what has changed meanwhile", "storage/delivery/verification.py", "col(StatusReport.id) == seen.ours.newest, _is_unchanged(seen))", "col(StatusReport.id) == seen.ours.newest)", (f"{LATE}::test_a_repair_names_what_it_read",)),
    Breakage("an override is recorded by every verification", "storage/delivery/verification.py", "tx.session.exec(noted.limit(1)).one_or_none() is None:", "True:", (f"{OVERRIDES}::test_an_override_is_recorded_once_for_each_status",)),
    Breakage("a found report is verified only on request", SETTLING, " or settlement.kind is EventKind.FOUND", "", (f"{OVERRIDES}::test_a_report_found_by_reading_back_is_always_verified",)),
    Breakage("a repair keeps its marker", "storage/delivery/verification.py", "    edition = seen.edition + 1\n", "    edition = seen.edition\n", (f"{LATE}::test_an_older_status_on_top_is_covered_again_by_a_new_edition",)),
    Breakage("what is superseded is sent after reading", LEASE, ".where(MINE, TARGETS.c.newest_id == TARGETS.c.sending_id)", ".where(MINE)", (f"{OVERTAKEN}::test_a_newer_report_that_comes_while_reading_is_sent_in_its_place",)),
    Breakage("reading stops by a clock of ours", "storage/delivery/reports.py", "(SELECT github_time FROM credential WHERE name = :credential)", ":created_at", (f"{READS}::test_a_report_is_found_below_many_others_whatever_our_clock_says",)),
    Breakage("a time that lies ahead ends a reading", "domain/delivery/read_back.py", " or not_before > github_time", "", (f"{READS}::test_reading_goes_on_to_the_end_where_githubs_time_is_ahead",)),
    Breakage("a list that grows while it is read is believed", DELIVER, "case Absent(is_certain=False) if ", "case Absent(is_certain=False) if False and ", (f"{OVERTAKEN}::test_a_status_between_two_pages_of_disagreeing_servers_is_not_sent_again",)),
    Breakage("a list that goes on growing is never believed", DELIVER, " and claimed_at < lease.doubt_until + GROWS_FOR:", ":", (f"{OVERTAKEN}::test_an_ever_changing_list_is_believed_ten_minutes_after_the_doubt",)),
    Breakage("any status is taken for ours", "tasks/delivery/find_marker.py", "if kind.carries(one, report.marker)]", "if True]", (f"{READS}::test_no_status_of_another_tool_is_mistaken_for_a_report",)),
    Breakage("a doubt that ends before GitHub is done", "domain/delivery/policy.py", "settle_after: timedelta = timedelta(seconds=20)", "settle_after: timedelta = timedelta(seconds=8)", ("tests/domain/delivery/test_policy.py::test_the_default_times_are_sound",)),
    Breakage("the task tries once", "tasks/report_status.py", "    retries=RETRIES,", "    retries=0,", ("tests/flows/reports/test_report_retries.py::test_the_retries_are_five_after_1_2_4_8_and_16_seconds",)),
    Breakage("a run that cannot search for lost jobs is a success", "tasks/delivery/deliver_due.py", "        await others\n", "        pass\n", ("tests/tasks/test_reconcile.py",)),
    Breakage("an outcome waits for its ledger for a minute only", "tasks/delivery/ledger_retry.py", "math.inf if longest is None else", "time.monotonic() + 60 if longest is None else", ("tests/tasks/delivery/test_ledger_retry.py",)),
    Breakage("an overdue report is announced by every run", "storage/delivery/overdue.py", "    if before is not None:\n", "    if False:\n", ("tests/storage/delivery/test_overdue.py",)),
    Breakage("a pause is published by each sender that meets it", "storage/delivery/credentials.py", "    else:\n        named = tx.now", "    else:\n        after_commit.add(tx, Paused(credential.name, tx.now, outcome.reason))\n        named = tx.now", ("tests/storage/test_after_commit.py",)),
    Breakage("a resend into a pause that began meanwhile", LEASE, "    if pauses.must_wait(held_by, lease.probe_until):\n        return busy_for_pause(credential, held_by, tx.now)\n", "", (PAUSES,)),
    Breakage("the last check sees no pause", DELIVER, "    if pause is not None:\n", "    if False:\n", (f"{PAUSES}::test_a_pause_that_begins_after_a_claim_holds_its_request",)),
    Breakage("the last check takes no time", DELIVER, "timedelta(seconds=began - checked_at)", "timedelta(0)", (f"{REVIEW}::test_a_lease_check_that_took_too_long_lets_no_request_go",)),
    Breakage("a second probe while the first one reads", LEASE, "    probe_until = pauses.move_probe(tx, held_by, lease.probe_until, until=expires_at)\n", "    probe_until = lease.probe_until\n", (f"{PAUSES}::test_a_probe_that_reads_for_long_is_the_only_one_all_the_while",)),
    Breakage("two resends share what is left of the budget", LEASE, "    credential = credentials.locked(tx, lease.credential)\n    wait = ", "    credential = tx.session.get_one(Credential, lease.credential)\n    wait = ", (f"{SHARED}::test_forty_requests_at_once_keep_within_a_budget_of_ten",)),
    Breakage("an unknown requests no verification", SETTLING, ', "verify_at": first}', "}", (LATE,)),
    Breakage("a verification beside a sender", "storage/delivery/verification.py", "            col(StatusTarget.lease).is_(None),\n", "", (f"{TIMES}::test_nothing_is_verified_while_a_sender_sends_or_waits",)),
    Breakage("a verification in doubt", "storage/delivery/verification.py", "            or_(col(StatusTarget.doubt_until).is_(None), col(StatusTarget.doubt_until) <= tx.now),\n", "", (f"{TIMES}::test_nothing_is_verified_while_a_sender_sends_or_waits",)),
    Breakage("a verification while the credential pauses", VERIFY_READS, "    if pauses.is_paused(held_by, tx.now):\n        return False, None\n", "", (f"{TIMES}::test_nothing_is_verified_while_a_sender_sends_or_waits",)),
    Breakage("a verification reads on into a pause", VERIFY_READS, "        if must_wait:\n            return Unread(is_answered=False)\n", "", (f"{TIMES}::test_a_verification_ends_at_a_pause_that_begins_between_two_pages",)),
    Breakage("a verification does not record rate limits", VERIFY_READS, "    credentials.apply_answer(tx, credential, read, secret=secret, probe_until=probe_until)\n", "", (f"{TIMES}::test_a_refused_verification_pauses_the_credential_and_is_retried_later",)),
    Breakage("an edition inherits its failures", "storage/delivery/events.py", "(EventKind.REOPENED, EventKind.REPAIRED)", "(EventKind.REOPENED,)", (LATE,)),
    Breakage("a pause by the sender's own clock", "tasks/delivery/open_reporter.py", "return read + (self._elapsed() - at)", "return datetime.now(read.tzinfo)", ("tests/tasks/delivery/test_open_reporter.py",)),
    Breakage("a flow on any ledger", "tasks/delivery/open_reporter.py", "    if opened != named:\n", "    if False:\n", ("tests/tasks/delivery/test_open_reporter.py",)),
    Breakage("a claim with a credential that its target has no longer", LEASE, 'TARGETS.c.credential == bindparam("its_credential"),', 'bindparam("its_credential", type_=TARGETS.c.credential.type).is_not(None),', (WAITS,)),
    Breakage("a claim that leaves the target due later", LEASE, "lease_expires_at=expires_at, due_at=tx.now,", "lease_expires_at=expires_at,", (f"{LEASES}::test_a_sender_that_died_before_it_was_due_is_recovered_once_its_lease_has_ended",)),
    Breakage("the older one's refusals count as the newer's", SETTLING, '_own("refused_since", if_newer=null())', 'bindparam("own_refused_since", type_=TARGETS.c.refused_since.type)', (f"{SETTLED}::test_a_newer_report_is_due_at_once_whatever_the_olders_state",)),
    Breakage("a pending that is resent is an outcome", LEASE, "secret=secret, urgency=urgency, check=check,\n    )  #", "secret=secret, urgency=Urgency.MINUTE, check=check,\n    )  #", (f"{BUDGET}::test_a_pending_that_is_resent_is_backlog_too",)),
    Breakage("a reconciliation run waits for no pause", "storage/delivery/due.py", "StatusTarget.lease_expires_at, Credential.paused_until)", "StatusTarget.lease_expires_at)", ("tests/tasks/delivery/test_deliver_due.py::test_a_pause_that_ends_within_the_budget_is_waited_for_by_the_same_pass",)),
    Breakage("an answer is settled beside another one", SETTLING, "    credential = credentials.locked(tx, lease.credential)\n    is_ours", "    from storage.models import Credential\n    credential = tx.session.get_one(Credential, lease.credential)\n    is_ours", (WAITS,)),
    Breakage("a late answer is the probe's", SETTLING, "lease.probe_until if is_ours else None", "lease.probe_until", ("tests/storage/delivery/test_credentials.py::test_a_probe_past_its_lease_changes_no_pause_though_no_other_was_let_through",)),
    Breakage("the outcome of a job is backlog to its task", "tasks/report_status.py", "deliver_report(reporter, report, job_ends_now=job_ends_now)", "deliver_report(reporter, report)", (TASK,)),
    Breakage("a pending that has to wait is a failed task", "tasks/report_status.py", "report.rank == Rank.PENDING and", "False and", (TASK,)),
    Breakage("a pending that needs an operator is no failed task", "tasks/report_status.py", "            return False\n        case _:\n            return phase is not Phase.REJECTED", "            return True\n        case _:\n            return True", ("tests/tasks/delivery/test_left_to_reconciliation.py",)),
    Breakage("an outcome that has to wait is no failed task", "tasks/report_status.py", "report.rank == Rank.PENDING and", "", ("tests/tasks/delivery/test_left_to_reconciliation.py",)),
    Breakage("an outcome that missed its task waits for the hour", "domain/delivery/budget.py", "if job_ends_now else Urgency.SPACING", "if job_ends_now else Urgency.HOUR", (f"{BUDGET}::test_an_outcome_that_missed_its_task_does_not_wait_for_the_hour",)),
    Breakage("what is reopened in bulk is as urgent as an outcome", "domain/delivery/budget.py", "    if is_pending or in_bulk:\n", "    if is_pending:\n", (f"{BUDGET}::test_a_reopened_report_waits_for_the_hour_only_in_bulk",)),
    Breakage("a new outcome stays in the bulk of the last one", REPORTS, '"bulk_at": bulk_at, ', "", (BUDGET,)),
    Breakage("pending takes what is left of the minute", "storage/delivery/budget.py", "budget.per_minute - outcomes, ", "budget.per_minute, ", (BUDGET,)),
    Breakage("pending while more outcomes wait than a minute takes", "storage/delivery/budget.py", "    if outcomes >= budget.per_minute:\n", "    if False:\n", (f"{BUDGET}::test_pending_waits_while_as_many_outcomes_wait_as_a_minute_has_room_for",)),
    Breakage("reserving a moment may wait for a credential's lock", "storage/delivery/budget.py", "(key_share=True, skip_locked=True)", "(key_share=True)", ("tests/storage/test_lock_waits.py::test_no_moment_is_reserved_if_the_credential_is_locked",)),
    Breakage("pending reserves all moments", "storage/delivery/budget.py", "credential, 1):\n        return False", "credential, 1):\n        pass", (MOMENTS,)),
    Breakage("all senders wait for the same moment", "storage/delivery/budget.py", "values(reserved_at=until)", "values(reserved_at=tx.now)", (MOMENTS,)),
    Breakage("a moment that another outcome takes away", "domain/delivery/budget.py", "and not is_punctual:", "and True:", (MOMENTS,)),
    Breakage("a moment that is kept for ever", "domain/delivery/budget.py", "moment <= now < moment + budget.spacing", "moment <= now", (MOMENTS,)),
    Breakage("a moment reserved by a wrong clock", "domain/delivery/budget.py", "is not None and at <= now + BUDGET_WAIT)", "is not None)", (MOMENTS,)),
    Breakage("one credential takes all senders", "tasks/delivery/senders.py", "max(1, most - 1)", "most", (FAIR,)),
    Breakage("the oldest is always next", "tasks/delivery/senders.py", "self._last_started.get(one.credential, 0)", "0", (FAIR,)),
    Breakage("what is due is not shared out", "storage/delivery/due.py", ".order_by(place, *first)", ".order_by(*first)", (BUDGET,)),
    Breakage("a verification delays due reports", "tasks/delivery/deliver_due.py", "asyncio.create_task(_verify_due(run)))", "asyncio.create_task(_verify_due(run)))\n        await verifications[0]", (FAIR,)),
    Breakage("a superseded report has the phase of the current one", "tasks/report_status.py", "result.report_id == report.id and ", "", ("tests/tasks/delivery/test_retry.py::test_a_rejected_report_with_a_newer_current_one_is_not_reopened",)),
    Breakage("a delivered report is read again", "tasks/report_status.py", "        return result.phase\n", "        pass\n", (f"{REVIEW}::test_a_report_takes_three_transactions_and_one_request",)),
    Breakage("an attempt forgets that its outcome is waited for", "tasks/report_status.py", "deliver(reporter, report.target_id, job_ends_now=job_ends_now)", "deliver(reporter, report.target_id)", (f"{BUDGET}::test_the_task_of_a_job_ending_now_does_not_wait_for_the_spacing",)),
    Breakage("what was stamped ahead is cut to nothing", "storage/delivery/future_times.py", "values({column: now + length})", "values({column: now})", (f"{AHEAD}::test_a_lease_that_was_taken_while_the_clock_was_ahead_is_its_holders_for_its_whole_length",)),
    Breakage("what was recorded ahead waits", "storage/delivery/future_times.py", "or_(too_far, was_ahead)", "too_far", (f"{AHEAD}::test_a_report_recorded_while_the_clock_was_ahead_is_delivered_within_a_run",)),
    Breakage("requests of the future fill the budget", "storage/delivery/budget.py", "if spent.last_at is not None and spent.last_at > tx.now + MARGIN:", "if False:", (f"{AHEAD}::test_a_request_sent_while_the_clock_was_ahead_uses_budget_no_longer_than_one_sent_now",)),
    Breakage("a dead job has a heartbeat in the future", "storage/delivery/future_times.py", '    tx.session.exec(_cut(Job, "beat_at"', '    (_cut(Job, "beat_at"', (f"{AHEAD}::test_a_report_recorded_while_the_clock_was_ahead_is_delivered_within_a_run",)),
    Breakage("a sender goes by the lease that it remembers", LEASE, "return pause, expires_at - tx.now if expires_at is not None else timedelta(0)", "return pause, lease.expires_at - tx.now", (f"{AHEAD}::test_a_sender_delayed_past_a_shortened_lease_sends_nothing",)),
    Breakage("a clock that jumps ahead ends a doubt", LEASE, "return expired_at if now - expired_at < LONGEST_UNNOTICED else now + policy.timeout", "return expired_at", (f"{JUMPS}::test_a_ledgers_clock_that_jumps_ahead_of_a_lease_makes_no_second_status",)),
    Breakage("a reconciliation run lasts for as long as the clock was set back", "tasks/delivery/deliver_due.py", "return self.since <= now < self.until", "return now < self.until", (f"{JUMPS}::test_a_reconciliation_run_ends_though_the_clock_is_set_back",)),
    Breakage("a job that holds its target waits for its credential", "storage/delivery/credentials.py", "credential=name).one_or_none() is None:", "credential=name).one_or_none() != 0:", ("tests/storage/test_lock_waits.py::test_a_job_is_accepted_and_ended_while_an_answer_changes_its_credential",)),
    Breakage("a repository that is not allowed has its job", "tasks/delivery/open_reporter.py", "if allowed and first_match(repository, allowed) is None:", "if not (allowed or repository):", ("tests/flows/docs_job/test_docs_job_refused.py::test_a_repository_that_is_not_allowed_is_refused_before_anything_runs", "tests/console/test_retry.py::test_a_report_of_a_repository_that_is_not_allowed_is_left_as_it_is")),
    Breakage("a credential for everything says nothing", "domain/delivery/repository_patterns.py", 'any(set(pattern) <= set("*/") for pattern in credentials)', "False", ("tests/domain/delivery/test_repository_patterns.py",)),
)  # fmt: skip
