"""Breakages of the ledger and of what it stores beside reports."""

from breakages.breakage import Breakage

JOBS = "storage/jobs/jobs.py"
SHARED = "tests/delivery/test_shared_budget.py"
SECRETS = "tests/delivery/test_refused_secrets.py"
CLOCK = "storage/sqlite_clock.py"
CLOCKS = "tests/storage/test_sqlite_clock.py"
AT_BOOT = "tests/storage/test_sqlite_clock_at_boot.py"
BOOTS = "tests/storage/test_sqlite_clock_at_boot.py"

STORAGE = (
    Breakage("after a restore an execution takes a number that is on GitHub", JOBS, "max(job.execution + 1, order.start)", "job.execution + 1", ("tests/storage/maintenance/test_restored.py",)),
    Breakage("no unique key", "storage/delivery/reports.py", '"(job_id, execution, state) DO', '"(id) DO', ("tests/storage/delivery/test_reports.py::test_a_report_is_recorded_once_and_its_first_words_stay",)),
    Breakage("an outcome without its report", JOBS, "    counters.add(tx, {", "    tx.session.rollback()\n    counters.add(tx, {", ("tests/storage/jobs/test_jobs.py::test_an_ended_execution_does_not_end_again",)),
    Breakage("a heartbeat of any process counts", JOBS, "HEARTBEAT = CHANGE.where(", 'HEARTBEAT = update(JOBS).where(col(Job.id) == bindparam("job_id"), col(Job.execution) <= bindparam("its_execution"), ', ("tests/storage/jobs/test_jobs.py::test_another_execution_changes_nothing",)),
    Breakage("what is stored of a secret is the same everywhere", "storage/identity.py", "hmac.digest(ledger.bytes, ", "hmac.digest(b'', ", (SECRETS,)),
    Breakage("a commit may be lost after its request left", "storage/engines.py", '"PRAGMA synchronous = FULL"', '"PRAGMA synchronous = NORMAL"', ("tests/storage/test_ledger.py", "tests/storage/test_postgresql_settings.py")),
    Breakage("a job with a heartbeat is lost all the same", JOBS, "    if last_beat_at is not None:\n", "    if False:\n", ("tests/tasks/jobs/test_lost.py",)),
    Breakage("a failover throws an outcome away", "storage/unavailable.py", "state in NO_FAULTS or not state.startswith(FAULTS)", 'state.startswith(("08", "40", "53", "55P03", "57P", "58"))', ("tests/scenarios/ledger_fails/test_unavailable_ledger.py::test_a_database_failure_is_unavailability",)),
    Breakage("a connection to a standby is used again", "storage/engines.py", "context.is_disconnect = True", "context.is_disconnect = False", ("tests/scenarios/ledger_fails/test_unavailable_ledger.py::test_a_connection_that_may_go_on_failing_is_not_used_again",)),
    Breakage("a frozen host keeps its locks", "storage/engines.py", '        "idle_in_transaction_session_timeout": IDLE_WAIT,\n', "", ("tests/storage/test_ledger.py", "tests/storage/test_postgresql_settings.py")),
    Breakage("a lock is waited for without end", "storage/engines.py", '        "lock_timeout": ROW_WAIT,\n', "", ("tests/storage/test_ledger.py", "tests/storage/test_postgresql_settings.py")),
    Breakage("a statement is prepared on a connection that a pooler gives to others", "storage/engines.py", '"prepare_threshold": None', '"prepare_threshold": 0', ("tests/storage/test_query_plans.py::test_no_statement_is_prepared_however_often_it_is_executed",)),
    Breakage("the reports of a day are found without an index", "storage/migrations/versions/0009_reports_of_a_day.py", 'op.create_index("ix_status_report_created_at", "status_report", ["created_at"])', "pass", ("tests/storage/test_query_plans.py::test_a_statement_with_bound_parameters_uses_its_index",)),
    Breakage("a ledger is opened in a transaction that writes", "storage/schema.py", "engine.execution_options(only_reads=True).connect()", "engine.connect()", ("tests/storage/test_lock_waits.py::test_what_only_reads_does_not_wait_for_a_writer",)),
    Breakage("the server's default isolates", "storage/engines.py", '        isolation_level="READ COMMITTED",  # which the statements assume, whatever the server\'s default is\n', "", ("tests/storage/test_ledger.py", "tests/storage/test_postgresql_settings.py")),
    Breakage("a statement waits for a server that vanished", "storage/engines.py", "super().wait(gen, interval, timeout or STATEMENT_WAIT)", "super().wait(gen, interval)", ("tests/scenarios/crashes/test_frozen_hosts.py::test_a_host_that_vanishes_within_any_transaction_blocks_no_sender_and_leaves_one_status",)),
    Breakage("a claim reads its target before the clock moves its lease", "storage/ledger.py", 'if self.engine.dialect.name == "sqlite" and not only_reads:', "if False:", (f"{BOOTS}::test_a_claim_right_after_a_step_of_the_wall_clock_finds_the_lease_of_another_container",)),
    Breakage("a cancelled caller publishes nothing", "storage/ledger.py", "        finally:  # also for a caller", "        except Exception:\n            raise\n        else:  # also for a caller", ("tests/storage/test_threads.py::test_what_a_cancelled_caller_has_committed_is_published",)),
    Breakage("a database's own way to write dates is kept", "storage/engines.py", '        "datestyle": "ISO",', "", ("tests/storage/test_postgresql_settings.py",)),
    Breakage("a database without an encoding answers in bytes", "storage/engines.py", '            "client_encoding": "utf8",\n', "", ("tests/storage/test_postgresql_settings.py",)),
    Breakage("a heartbeat waits for the one before", "tasks/jobs/heartbeat.py", "await asyncio.wait({sending}, timeout=HEARTBEAT_TIMEOUT.total_seconds())", "await asyncio.wait({sending})", ("tests/tasks/jobs/test_heartbeat.py",)),
    Breakage("a cancel leaves a transaction under way", "storage/threads.py", "            if not future.cancel():\n                await _until_done(result)\n", "", ("tests/storage/test_threads.py",)),
    Breakage("writers of one process wait for each other's lock", "storage/threads.py", "Pool(1), Pool(READERS)", "Pool(4), Pool(READERS)", ("tests/storage/test_threads.py",)),
    Breakage("an unknown file system is local", "storage/local_disk.py", "        if kind not in local:", "        if False:", ("tests/storage/test_local_disk.py",)),
    Breakage("a setting allows what hosts share", "storage/local_disk.py", 'if kind.removeprefix("fuse.") in SHARED:', 'if kind.removeprefix("fuse.") in SHARED and kind not in local:', ("tests/storage/test_local_disk.py",)),
    Breakage("two ledgers after a crash while moving", "storage/maintenance/move.py", '_alone(destination, local, given_as="--to") as there, _alone(source, local) as here', '_alone(source, local) as here, _alone(destination, local, given_as="--to") as there', ("tests/storage/maintenance/test_move.py::test_a_crash_anywhere_leaves_one_ledger_and_moving_again_ends_it",)),
    Breakage("a ledger that was moved is written to", "storage/moved_marker.py", "_freezing(connection.dialect.name):", "():", ("tests/storage/maintenance/test_move.py::test_an_open_connection_to_the_old_ledger_can_write_no_more",)),
    Breakage("a ledger is moved while it is in use", "storage/maintenance/move.py", "        _refuse(here, there, place, time)\n", "", ("tests/storage/maintenance/test_move_refused.py::test_nothing_moves_while_the_ledger_is_in_use",)),
    Breakage("rejected reports are pruned", "storage/operations/retention.py", "or_(col(StatusReport.delivered_at).is_(None), has_others)", "has_others", ("tests/storage/operations/test_retention.py::test_an_unsettled_report_is_never_pruned",)),
    Breakage("a counter forgets with its rows", "storage/operations/retention.py", ", col(ReportEvent.id) > last.event", "", ("tests/storage/operations/test_retention.py",)),
    Breakage("a restore waits for nothing on its way", "storage/maintenance/restored.py", '"doubt_until": tx.now + policy.settle_after, ', "", ("tests/storage/maintenance/test_restored.py",)),
    Breakage("a restore requests no verification", "storage/maintenance/restored.py", ', "verify_at": tx.now + FIRST_VERIFICATION', "", ("tests/storage/maintenance/test_restored.py::test_a_status_stored_long_after_a_restore_is_noticed",)),
    Breakage("a restore doubts only what is due", "storage/maintenance/restored.py", "update(StatusTarget).where(of_these)", "update(StatusTarget).where(of_these, col(StatusTarget.due_at).is_not(None))", ("tests/storage/maintenance/test_restored.py",)),
    Breakage("a restore forgets what was rejected", "storage/maintenance/restored.py", "col(StatusReport.id).in_(open_now))", "col(StatusReport.id).in_(open_now), col(StatusReport.rejected_at).is_(None))", ("tests/storage/maintenance/test_restored.py::test_a_report_rejected_at_the_time_of_the_backup_is_searched_for_once_reopened",)),
    Breakage("containers of one host hold the clock up in turn", CLOCK, "            seen = max(seen, anchored)\n", "            pass\n", (f"{BOOTS}::test_a_lease_runs_out_though_containers_of_one_host_have_boot_ids_of_their_own",)),
    Breakage("the wall clock moves a lease", CLOCK, "return anchor.booted_at + self.host.since_boot(), None", "return self.host.wall(), None", (CLOCKS,)),
    Breakage("time goes back after a boot", CLOCK, "return max(wall, seen), seen", "return wall, seen", (AT_BOOT,)),
    Breakage("a boot ends leases and doubts", CLOCK, "for statement in moved if now > seen else ():", "for statement in ():", (AT_BOOT,)),
    Breakage("the clock is set while a request is in doubt", CLOCK, " or _is_busy(connection, now):", ":", (CLOCKS,)),
    Breakage("the clock is set, and a pause stays", CLOCK, "for statement in _live(now, step):", "for statement in ():", (CLOCKS,)),
    Breakage("a clock that was never set is followed", CLOCK, " or wall < EARLIEST", "", (CLOCKS,)),
    Breakage("a ledger takes its host's clock along", "storage/maintenance/copy_rows.py", ' if table.name != "host_anchor"]', "]", ("tests/storage/maintenance/test_move.py",)),
    Breakage("an upgrade locks tables in another order than the end of an execution", "storage/migrations/versions/0009_reports_of_a_day.py", "def upgrade() -> None:\n", 'def upgrade() -> None:\n    op.create_index("ix_status_report_rank", "status_report", ["rank"])\n', ("tests/storage/test_upgrades.py::test_an_execution_ends_while_the_ledger_is_upgraded",)),
)  # fmt: skip
