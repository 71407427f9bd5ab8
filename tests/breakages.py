"""Deliberate breakages: each takes one rule of the promise away. The suite has to notice every one."""

from dataclasses import dataclass

LEASE, SETTLING = "storage/leases.py", "storage/settling.py"
REPORTS, JOBS = "storage/reports.py", "storage/jobs.py"
DELIVER, SETTLEMENT, CONNECTION = "tasks/deliver.py", "domain/settlement.py", "github_api/connection.py"


@dataclass(frozen=True, slots=True)
class Breakage:
    """*old* stands once in *path*, and becomes *new*. `tests`: where the suite should notice first."""

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...] = ("tests/deliver", "tests/storage")


LEASES, READS, REVIEW = (
    "tests/storage/test_targets.py",
    "tests/deliver/test_read_back.py",
    "tests/deliver/test_deliver.py",
)
PAUSES, LATE, LOOK = (
    "tests/deliver/test_told_to_wait.py",
    "tests/deliver/test_late_requests.py",
    "tasks/verify_targets.py",
)
GIVEN_UP = "tests/deliver/test_given_up.py"
CRASHES, CASES = "tests/deliver/test_crashes.py", "tests/deliver/test_review_cases.py"
BUDGET, MOMENTS, WAITS, TASK = (
    "tests/deliver/test_write_budget.py",
    "tests/deliver/test_moments.py",
    "tests/storage/test_lock_waits.py",
    "tests/tasks/test_report_status.py",
)
HELD = "col(StatusTarget.id) == lease.target_id, col(StatusTarget.lease) == lease.token)"

BREAKAGES = (
    Breakage("settle without the lease", SETTLING, f"    mine = and_({HELD}", "    mine = col(StatusTarget.id) == lease.target_id", (LEASES,)),
    Breakage("two leases at once", LEASE, "free = and_(col(StatusTarget.lease).is_(None), ", "free = and_(", (LEASES,)),
    Breakage("a claim in doubt", LEASE, "free, no_doubt, is_due", "free, is_due", (LEASES, REVIEW)),
    Breakage("a claim while the credential pauses", LEASE, "    if credentials.is_paused(credential, now):\n        return None", "", (CASES, "tests/storage/test_credentials.py")),
    Breakage("a claim beyond the budget", LEASE, "no_doubt, is_due, affordable", "no_doubt, is_due", ("tests/deliver/test_write_budget.py",)),
    Breakage("no look after reading", LEASE, "    renewed = await session.exec(update(StatusTarget).where(still).values(lease_expires_at=expires_at))\n    if not renewed.rowcount:\n        return None\n", "", (READS, CRASHES)),
    Breakage("the older one's backoff moves the newer", SETTLING, "else_=literal(newer, of))", "else_=literal(value, of))", (LEASES, REVIEW)),
    Breakage("a lease that ran out starts no doubt", LEASE, "values(**RELEASED, doubt_until=doubt)", "values(**RELEASED)", (LEASES,)),
    Breakage("a lease that ran out is not read back", LEASE, "== report_id).values(read_back=True))", "== report_id).values(read_back=False))", (LEASES, CRASHES)),
    Breakage("a late settle asks for no look", SETTLING, "        await verify.ask(session, lease.target_id, now=now)\n", "", (LEASES,)),
    Breakage("blind resend on unknown", SETTLEMENT, "return self.doubt_until is not None", "return False", (REVIEW,)),
    Breakage("an unknown starts no doubt", SETTLEMENT, "due_at=later, doubt_until=doubt,", "due_at=later,", (REVIEW,)),
    Breakage("given up by nothing", SETTLEMENT, "if tries.failing_since is None or", "if True or", ("tests/domain/test_settlement.py",)),
    Breakage("given up after two tries a week apart", SETTLEMENT, ">= policy.expire_after_days_of_tries", ">= 1", (GIVEN_UP,)),
    Breakage("a missing token counts as a try", SETTLEMENT, "return Settlement(EventKind.THROTTLED, why,", "return Settlement(EventKind.NOT_SENT, why,", (GIVEN_UP,)),
    Breakage("after a restore an execution takes a number that is on GitHub", JOBS, "max(job.execution + 1, order.start)", "job.execution + 1", ("tests/storage/test_restored.py",)),
    Breakage("first page only", DELIVER, "if page.next_url is None or is_beyond(", "if True or is_beyond(", (READS,)),
    Breakage("absence believed at once", DELIVER, "case Absent() if in_doubt:", "case Absent() if False:", (REVIEW, READS)),
    Breakage("sends with too little of its lease left", DELIVER, "< reporter.policy.timeout:", "< timedelta(0):", (REVIEW, READS)),
    Breakage("mark before send", DELIVER, "    sent = await reporter.github.create_status(lease.report, token)\n", "    await _settle(reporter, lease, Sent(Delivered(1), Exchange()))\n    sent = await reporter.github.create_status(lease.report, token)\n", (CRASHES,)),
    Breakage("never reads back", DELIVER, "    if lease.read_back:\n", "    if False:\n", (REVIEW,)),
    Breakage("accepted, never shown, for ever", DELIVER, ".unconfirmed >= reporter.policy.unverifiable_after", ".unconfirmed < 0", (READS,)),
    Breakage("no unique key", "storage/once.py", ".on_conflict_do_nothing(index_elements=key)", "", ("tests/storage/test_reports.py",)),
    Breakage("an older report speaks", REPORTS, "if old is not None and not speaks_over(", "if old is None and not speaks_over(", ("tests/storage/test_reports.py",)),
    Breakage("doubt forgotten when superseded", REPORTS, ".values(newest_id=report_id,", ".values(doubt_until=None, newest_id=report_id,", (READS,)),
    Breakage("reopening clears read_back", REPORTS, "values(rejected_at=None, rejection=None)", "values(rejected_at=None, rejection=None, read_back=False)", ("tests/storage/test_reports.py",)),
    Breakage("reopening what is superseded", REPORTS, "    if target.newest_id != report_id:\n        return False\n", "", ("tests/storage/test_reports.py",)),
    Breakage("an outcome without its report", JOBS, "    await totals.add(session, {", "    await session.rollback()\n    await totals.add(session, {", ("tests/storage/test_jobs.py",)),
    Breakage("anybody's beat counts", JOBS, "col(Job.execution) == execution)\n    alive = ", "True)\n    alive = ", ("tests/storage/test_jobs.py",)),
    Breakage("many probes after a pause", "storage/credentials.py", ".values(paused_until=until))", ".values(pause_reason=None))", ("tests/storage/test_credentials.py",)),
    Breakage("a redirect becomes a GET", CONNECTION, "request = replace(request, url=there)", 'request = replace(request, url=there, method="GET", json=None)', ("tests/github_api",)),
    Breakage("a reply that drips has no deadline", CONNECTION, "asyncio.timeout_at(deadline)", "asyncio.timeout_at(None)", ("tests/github_api",)),
    Breakage("the kernel sends what we gave up", "github_api/transport.py", 'struct.pack("ii", 1, 0)', 'struct.pack("ii", 0, 0)', ("tests/github_api",)),
    Breakage("any 2xx is a success", "github_api/classify.py", "if status == HTTPStatus.CREATED:", "if 200 <= status < 300:", ("tests/github_api",)),
    Breakage("a commit may be lost after its request left", "storage/connections.py", '"PRAGMA synchronous = FULL"', '"PRAGMA synchronous = NORMAL"', ("tests/storage/test_engine.py",)),
    Breakage("a repair keeps its marker", "storage/verify.py", "    edition = seen.edition + 1\n", "    edition = seen.edition\n", ("tests/deliver/test_late_requests.py",)),
    Breakage("what is superseded is sent after reading", LEASE, "        col(StatusTarget.newest_id) == col(StatusTarget.sending_id),\n    )\n    renewed", "    )\n    renewed", (READS, CRASHES, "tests/deliver")),
    Breakage("reading stops by a clock of ours", "storage/reports.py", "select(Credential.github_time).where(Credential.name == credential).scalar_subquery()", "now", (READS,)),
    Breakage("a time that lies ahead ends a reading", "domain/reading.py", " or not_before > github_time", "", (READS,)),
    Breakage("an answer of a proxy tells GitHub's time", "github_api/classify.py", "if request_id else None  # without", "if True else None  # without", ("tests/github_api/test_github_limits.py",)),
    Breakage("anybody's status is ours", DELIVER, "if carries(status.target_url, lease.report.marker):", "if True:", (READS,)),
    Breakage("a doubt that ends before GitHub is done", "domain/policy.py", "settle_after: timedelta = timedelta(seconds=20)", "settle_after: timedelta = timedelta(seconds=8)", ("tests/domain", READS, "tests/deliver")),
    Breakage("the task tries once", "tasks/report_status.py", "    retries=RETRIES,", "    retries=0,", ("tests/flows/test_report_retries.py",)),
    Breakage("whoever beats is lost all the same", JOBS, "    if beaten_at is not None:\n", "    if False:\n", ("tests/tasks/test_end_lost_jobs.py",)),
    Breakage("a number that is a thread's now ends the search for lost jobs", "tasks/processes.py", "with suppress(OSError):  # it has ended", "with suppress(ProcessLookupError):  # it has ended", ("tests/tasks/test_processes.py",)),
    Breakage("one job that cannot be ended keeps the others waiting", "tasks/end_lost_jobs.py", "            troubles.append(error)\n", "            raise\n", ("tests/tasks/test_end_lost_jobs.py",)),
    Breakage("a pass that cannot look for lost jobs is a success", "tasks/deliver_due.py", "        await others\n", "        pass\n", ("tests/tasks/test_reconcile.py",)),
    Breakage("silence elsewhere is no death", "tasks/end_lost_jobs.py", "if gone is None and silence >= OLD_BEAT:", "if False:", ("tests/tasks/test_end_lost_jobs.py",)),
    Breakage("a failover throws an outcome away", "storage/away.py", "state in NO_FAULTS or not state.startswith(FAULTS)", 'state.startswith(("08", "40", "53", "55P03", "57P", "58"))', ("tests/ledger_fails",)),
    Breakage("a connection to a standby is used again", "storage/connections.py", "context.is_disconnect = True", "context.is_disconnect = False", ("tests/ledger_fails",)),
    Breakage("an outcome waits for its ledger for a minute only", "tasks/patience.py", 'is_told(failures):\n            on_trouble(f"{failed}, and', 'failures > 30:\n            raise error\n        if is_told(failures):\n            on_trouble(f"{failed}, and', ("tests/tasks/test_patience.py",)),
    Breakage("a second cancel throws an outcome away", "tasks/carry_out.py", "await in_any_case(lambda: _ended(reporter, work, came_to, working, watchers.on_trouble))", "await asyncio.shield(_ended(reporter, work, came_to, working, watchers.on_trouble))", ("tests/ledger_fails",)),
    Breakage("a ledger that hangs makes a job lost that lives", "tasks/beat.py", "wait = again.total_seconds() - (clock() - asked_at)", "wait = every.total_seconds()", ("tests/tasks/test_beat.py",)),
    Breakage("the next of a group begins beside a dead one's remains", "tasks/beat.py", "WATCH = BEAT_EVERY * 1.2", "WATCH = BEAT_EVERY * 0", ("tests/tasks/test_end_lost_jobs.py",)),
    Breakage("two ledgers after a crash while moving", "storage/move.py", '_alone(destination, given_as="--to") as there, _alone(source) as here', '_alone(source) as here, _alone(destination, given_as="--to") as there', ("tests/storage/test_move.py",)),
    Breakage("a ledger that was moved is written to", "storage/moved.py", "_freezing(connection.dialect.name):", "():", ("tests/storage/test_move.py",)),
    Breakage("a ledger moves away from who is at work", "storage/move.py", "        await _refuse(here, there, place, time)\n", "", ("tests/storage/test_move.py",)),
    Breakage("what GitHub refused is forgotten", "storage/prune.py", "or_(col(StatusReport.delivered_at).is_(None), has_others)", "has_others", ("tests/storage/test_prune.py",)),
    Breakage("a counter forgets with its rows", "storage/prune.py", ", col(ReportEvent.id) > last.event", "", ("tests/storage/test_prune.py",)),
    Breakage("what is overdue is told by every pass", "storage/overdue.py", "    if before is not None:\n", "    if False:\n", ("tests/storage/test_overdue.py",)),
    Breakage("a pause is told by each that meets it", "storage/credentials.py", 'if "pause_seconds" in pausing:', "if pausing:", ("tests/storage/test_news.py",)),
    Breakage("a job's git has the token that pushes", "tasks/push.py", 'url="", token=None, env=identity', "env=identity", ("tests/runner/test_push_over_https.py",)),
    Breakage("nothing new is a commit all the same", "tasks/push.py", 'if tree == await _word(git, "rev-parse", f"{parent}^{{tree}}"):', "if False:", ("tests/runner/test_push.py",)),
    Breakage("what a command left behind makes it timed out", "tasks/command.py", "if in_time or leash.last_word else", "if in_time else", ("tests/runner/test_command.py",)),
    Breakage("an end is known only once the rest has ended", "tasks/leash.py", "    _say(flow, word)\n    _end_all(0 if word == TOO_MANY else grace, exits, user)\n", "    _end_all(0 if word == TOO_MANY else grace, exits, user)\n    _say(flow, word)\n", ("tests/runner/test_leash.py",)),
    Breakage("what the flow stops has ended by itself", "tasks/leash.py", 'return "" if has_let_go else', 'return "exit 0" if has_let_go else', ("tests/runner/test_leash.py",)),
    Breakage("a signal ends the wait for what is left of a job", "tasks/in_any_case.py", "        if task.cancelled():\n            stopped = stopped or asyncio.CancelledError()\n", "        if task.cancelled():\n            raise stopped or asyncio.CancelledError()\n", ("tests/tasks/test_stopped.py",)),
    Breakage("a second SIGTERM tears down a job that ends", "tasks/in_any_case.py", "    with _sigterm_noted():\n        yield\n", "    yield\n", ("tests/tasks/test_in_any_case.py",)),
    Breakage("a signal leaves a leash that nothing ends", "tasks/command.py", "with sigterm_held_back():", "if True:", ("tests/runner/test_command.py",)),
    Breakage("an old output that cannot be moved decides the outcome", "tasks/keep_output.py", "                failed.append(error)\n", "                raise\n", ("tests/runner/test_old_outputs.py",)),
    Breakage("tidying removes the output just made", "tasks/keep_output.py", "just_made=just_made)", "just_made=None)", ("tests/runner/test_old_outputs.py",)),
    Breakage("a clock that was ahead makes old outputs the newest", "tasks/folders.py", "(one[0] <= now, *one)", "one", ("tests/runner/test_old_outputs.py",)),
    Breakage("an earlier output is lost with the new one", "tasks/keep_output.py", "                before.rename(kept)\n", "                pass\n", ("tests/runner/test_old_outputs.py",)),
    Breakage("an old entry that cannot be moved keeps all others", "tasks/cache.py", "                failed.append(error)\n", "                return [error]\n", ("tests/runner/test_old_entries.py",)),
    Breakage("a broken entry of the cache stays for ever", "tasks/cache.py", "    if _size(place) is None:  # nothing, or nothing whole\n", "    if False:\n", ("tests/runner/test_old_entries.py",)),
    Breakage("an output is seen before it is whole", "tasks/keep_output.py", "new = made / token_hex(16)", "new = made / source.name", ("tests/runner/test_output_kept.py",)),
    Breakage("a resend into a pause that began meanwhile", LEASE, "    if credentials.must_wait(credential, lease.probe_until):\n        return pausing(credential, now)\n", "", (PAUSES,)),
    Breakage("the last look sees no pause", DELIVER, "    if pause is not None:\n", "    if False:\n", (PAUSES,)),
    Breakage("a look takes no time", DELIVER, "timedelta(seconds=began - looked_at)", "timedelta(0)", (REVIEW,)),
    Breakage("a second probe while the first one reads", LEASE, "    probe_until = await credentials.move_probe(session, credential, lease.probe_until, until=expires_at)\n", "    probe_until = lease.probe_until\n", (PAUSES,)),
    Breakage("two resends share what is left of the budget", LEASE, "    credential = await credentials.locked(session, lease.credential)\n    wait = ", "    credential = await session.get_one(Credential, lease.credential)\n    wait = ", (PAUSES,)),
    Breakage("an unknown asks for no look", SETTLING, ', "verify_at": now + verify.FIRST_LOOK}', "}", (LATE,)),
    Breakage("a look beside a sender", "storage/verify.py", "            col(StatusTarget.lease).is_(None),\n", "", (LATE,)),
    Breakage("a look in doubt", "storage/verify.py", "            or_(col(StatusTarget.doubt_until).is_(None), col(StatusTarget.doubt_until) <= now),\n", "", (LATE,)),
    Breakage("a look while the credential pauses", LOOK, "        if credentials.is_paused(credential, now):\n            return None\n", "", (LATE,)),
    Breakage("a look reads on into a pause", LOOK, "        if must_wait:\n            return None\n", "", (LATE,)),
    Breakage("a look keeps to itself what it hears of limits", LOOK, "            await credentials.learn(session, credential, read, probe_until=probe_until, now=now)\n", "", (LATE,)),
    Breakage("an edition inherits its failures", "storage/events.py", "(EventKind.REOPENED, EventKind.REPAIRED)", "(EventKind.REOPENED,)", (LATE,)),
    Breakage("a restore waits for nothing on its way", "storage/restored.py", '"doubt_until": now + policy.settle_after, ', "", ("tests/storage/test_restored.py",)),
    Breakage("a restore forgets what was rejected", "storage/restored.py", "col(StatusReport.id).in_(open_now))", "col(StatusReport.id).in_(open_now), col(StatusReport.rejected_at).is_(None))", ("tests/storage/test_restored.py",)),
    Breakage("a pause by the sender's own clock", "tasks/reporter.py", "return datetime.now(UTC) + ahead", "return datetime.now(UTC)", ("tests/tasks/test_reporter.py",)),
    Breakage("a flow on any ledger", "tasks/reporter.py", "    if opened != named:\n", "    if False:\n", ("tests/tasks/test_reporter.py",)),
    Breakage("a claim with a credential that its target has no longer", LEASE, "col(StatusTarget.id) == target_id, col(StatusTarget.credential) == credential,\n", "col(StatusTarget.id) == target_id,\n", (WAITS,)),
    Breakage("a claim that leaves the target due later", LEASE, "attempts=StatusTarget.attempts + 1, due_at=now,", "attempts=StatusTarget.attempts + 1,", (f"{LEASES}::test_who_died_before_it_was_due_is_recovered_once_its_lease_has_ended",)),
    Breakage("the older one's refusals count as the newer's", SETTLING, '_unless_newer(lease, "refused_since", settlement.refused_since, None)', "settlement.refused_since", (f"{LEASES}::test_a_newer_report_is_due_now_whatever_became_of_the_older",)),
    Breakage("a pending that is resent is an outcome", LEASE, "        urgency=urgency,\n", "        urgency=Urgency.MINUTE,\n", (f"{BUDGET}::test_a_pending_that_is_resent_is_backlog_too",)),
    Breakage("a pass waits for no pause", "storage/backlog.py", "StatusTarget.lease_expires_at, Credential.paused_until)", "StatusTarget.lease_expires_at)", ("tests/tasks/test_deliver_due.py::test_a_pause_that_ends_within_the_budget_is_waited_for_by_the_same_pass",)),
    Breakage("an answer is settled beside another one", SETTLING, "    credential = await credentials.locked(session, lease.credential)\n    is_ours", "    from storage.models import Credential\n    credential = await session.get_one(Credential, lease.credential)\n    is_ours", (WAITS,)),
    Breakage("a late answer is the probe's", SETTLING, "probe_until=lease.probe_until if is_ours else None,", "probe_until=lease.probe_until,", ("tests/storage/test_credentials.py::test_a_probe_whose_lease_ran_out_says_nothing_about_the_pause_though_no_other_was_let_through",)),
    Breakage("the outcome of a job is backlog to its task", "tasks/report_status.py", "deliver_report(reporter, report_id, job_ends_now=job_ends_now)", "deliver_report(reporter, report_id)", (TASK,)),
    Breakage("a pending that has to wait is a failed task", "tasks/report_status.py", "report.rank == Rank.PENDING and", "False and", (TASK,)),
    Breakage("a pending that needs somebody is no failed task", "tasks/report_status.py", "            return False\n        case _:\n            return phase is not Phase.REJECTED", "            return True\n        case _:\n            return True", ("tests/tasks/test_left_to_reconciliation.py",)),
    Breakage("an outcome that has to wait is no failed task", "tasks/report_status.py", "report.rank == Rank.PENDING and", "", ("tests/tasks/test_left_to_reconciliation.py",)),
    Breakage("an outcome that missed its task waits for the hour", "domain/budget.py", "if job_ends_now else Urgency.SPACING", "if job_ends_now else Urgency.HOUR", (BUDGET,)),
    Breakage("what is reopened in bulk is as urgent as an outcome", "domain/budget.py", "    if is_pending or in_bulk:\n", "    if is_pending:\n", (BUDGET,)),
    Breakage("a new outcome stays in the bulk of the last one", REPORTS, '"bulk_at": bulk_at, ', "", (BUDGET,)),
    Breakage("pending takes what is left of the minute", "storage/budget.py", "budget.per_minute - outcomes, ", "budget.per_minute, ", (BUDGET,)),
    Breakage("pending while more outcomes wait than a minute takes", "storage/budget.py", "    if outcomes >= budget.per_minute:\n", "    if False:\n", (BUDGET,)),
    Breakage("pending reserves all moments", "storage/budget.py", "credential, 1, now=now):\n        return False", "credential, 1, now=now):\n        pass", (MOMENTS,)),
    Breakage("all who wait wait for the same moment", "storage/budget.py", "values(reserved_at=until)", "values(reserved_at=now)", (MOMENTS,)),
    Breakage("a moment that another outcome takes away", "domain/budget.py", "and not is_punctual:", "and True:", (MOMENTS,)),
    Breakage("a moment that is kept for ever", "domain/budget.py", "moment <= now < moment + budget.spacing", "moment <= now", (MOMENTS,)),
    Breakage("a moment reserved by a wrong clock", "domain/budget.py", "is not None and at <= now + WAIT_OUT)", "is not None)", (MOMENTS,)),
    Breakage("a try forgets that somebody waits", "tasks/report_status.py", "deliver(reporter, report.target_id, job_ends_now=job_ends_now)", "deliver(reporter, report.target_id)", (TASK,)),
)  # fmt: skip
