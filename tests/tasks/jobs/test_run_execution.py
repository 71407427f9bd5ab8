"""Runs one execution without Prefect: however it ends, no process is left and the ledger has its end."""

import asyncio
import errno
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from full import SQLITE_OR_ALL
from processes import FAMILY, is_alive, names_in, pids_in
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from waiting import LONGEST, Held, until
from world import World, accept, begin, end, order

from domain.jobs.execution import Execution, Order
from domain.jobs.job_states import JobState
from domain.jobs.job_type import JobType
from storage.ledger import Ledger, LedgerUnavailable
from storage.models import Job, StatusReport
from tasks.delivery import ledger_retry
from tasks.delivery.reporter import Reporter
from tasks.jobs import heartbeat
from tasks.jobs import run_execution as module
from tasks.jobs.execution_spec import EndedExecution, Work
from tasks.jobs.run_execution import Callbacks, carry_out
from tasks.process import temp_dirs
from tasks.process.disk_space import LEAST, check_free_space

pytestmark = pytest.mark.parametrize("database", SQLITE_OR_ALL)
BRIEFLY = timedelta(seconds=0.02)


@pytest.fixture(autouse=True)
def waits_are_brief(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEARTBEAT_EVERY", "RETRY_AFTER", "CANCEL_CHECK_EVERY"):
        monkeypatch.setattr(heartbeat, name, BRIEFLY)
    monkeypatch.setattr(module, "POLL_EVERY", BRIEFLY)
    monkeypatch.setattr(ledger_retry, "RETRY_EVERY", BRIEFLY)
    monkeypatch.setattr(heartbeat, "HEARTBEAT_TIMEOUT", timedelta(hours=1))


@pytest.fixture
def held(
    world: World,  # noqa: ARG001  # let go before the ledger closes
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Held]:
    """The removal of a job's folders, in a place where no other test leaves any."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("scratch")))
    with Held() as removal:
        monkeypatch.setattr(temp_dirs, "remove", removal.up(temp_dirs.remove))
        yield removal


@dataclass
class Said:
    lines: list[str] = field(default_factory=list)
    waited_for: list[list[UUID]] = field(default_factory=list)
    is_cancelled: bool = False

    @property
    def callbacks(self) -> Callbacks:
        return Callbacks(self.lines.append, self._on_wait, self._asked)

    async def _on_wait(self, ahead: Sequence[UUID]) -> None:
        self.waited_for.append(list(ahead))

    async def _asked(self) -> bool:
        return self.is_cancelled


@dataclass(frozen=True, slots=True)
class FickleLedger(Ledger):
    """A ledger that is unavailable while `away` says so."""

    away: Callable[[], bool]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        if self.away():
            raise LedgerUnavailable(OSError("gone"))
        async with Ledger.transaction(self) as session:
            yield session


def fickle(world: World, away: Callable[[], bool]) -> Reporter:
    own = world.ledger
    return replace(world.reporter, ledger=FickleLedger(own.engine, own.sessions, own.clock, away))


def shell(script: str, **fields: object) -> JobType:
    return JobType.model_validate({"name": "sphinx", "command": ("sh", "-c", script), **fields})


async def work_for(world: World, job_type: JobType, asked: Order | None = None) -> Work:
    asked = asked or order()
    return Work(await accept(world.ledger, asked), asked, job_type, None)


async def carried_out(
    world: World, work: Work, said: Said | None = None, *, by: Reporter | None = None
) -> EndedExecution | None:
    return await carry_out(by or world.reporter, work, (said or Said()).callbacks)


async def job(world: World, execution: Execution) -> Job:
    async with world.ledger.transaction() as session:
        return (await session.exec(select(Job).where(Job.id == execution.job_id))).one()


async def reports(world: World) -> list[tuple[str, str]]:
    async with world.ledger.transaction() as session:
        found = await session.exec(select(StatusReport).order_by(col(StatusReport.id)))
        return [(one.state.value, one.description) for one in found]


async def change(world: World, work: Work, **values: object) -> None:
    """Change the job's row as another process would."""
    async with world.ledger.transaction() as session:
        await session.exec(update(Job).where(col(Job.id) == work.execution.job_id).values(**values))


@pytest.mark.parametrize(
    ("script", "state", "report"),
    [
        ("echo built", JobState.SUCCEEDED, "success"),
        ("exit 3", JobState.FAILED, "failure"),
        ("kill -9 $$", JobState.CRASHED, "error"),
        ("sleep 60", JobState.TIMED_OUT, "error"),
    ],
)
async def test_the_end_and_its_report_are_stored_together(
    world: World, script: str, state: JobState, report: str
) -> None:
    work = await work_for(world, shell(script, timeout=60 if state is not JobState.TIMED_OUT else 0.2))
    ended = await carried_out(world, work)
    assert ended is not None
    assert ended.state is state
    assert (await job(world, work.execution)).state is state
    assert (await reports(world))[1:] == [(report, ended.summary)]


async def test_the_output_is_handed_on_line_by_line_without_secrets_and_paths(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of-the-jobs-own")
    said = Said()
    work = await work_for(
        world, shell('echo "$A_SECRET and a-token"; echo "in $PWD/page.md"; exit 1', env=("A_SECRET",))
    )
    ended = await carried_out(world, work, said)
    assert said.lines == ["*** and ***", "in page.md"]
    assert ended is not None
    assert ended.summary == "exit code 1: in page.md"


async def test_the_command_sees_no_token_of_the_flow(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REPORTBACK_GITHUB_TOKEN", "GITHUB_TOKEN", "PREFECT_API_KEY", "REPORTBACK_DATABASE_URL"):
        monkeypatch.setenv(name, "a-secret")
    said = Said()
    await carried_out(world, await work_for(world, shell("env")), said)
    seen = {line.partition("=")[0] for line in said.lines if not line.startswith("LC_")}
    assert seen <= {"PATH", "LANG", "HOME", "TMPDIR", "PWD", "_", "SHLVL"}


async def test_a_cancelled_job_leaves_no_process_and_an_error_to_be_reported(world: World, tmp_path: Path) -> None:
    family = JobType(name="sphinx", command=(sys.executable, "-c", FAMILY, str(tmp_path)))
    work = await work_for(world, family)
    running = asyncio.create_task(carried_out(world, work))
    await until(lambda: len(pids_in(tmp_path)) == 3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not any(is_alive(pid) for pid in pids_in(tmp_path))
    assert (await job(world, work.execution)).state is JobState.CANCELLED
    assert (await reports(world))[1:] == [("error", "cancelled")]
    assert (await world.target()).due_at is not None


async def test_a_job_that_is_cancelled_while_it_waits_for_its_group_is_cancelled_too(world: World) -> None:
    first = await accept(world.ledger, order("docs/first", group="g"))
    await begin(world.ledger, first)
    work, said = await work_for(world, shell("echo no"), order(group="g")), Said()
    running = asyncio.create_task(carried_out(world, work, said))
    await until(lambda: said.waited_for == [[first.job_id]])
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await job(world, work.execution)).state is JobState.CANCELLED


async def test_a_job_that_was_cancelled_behind_its_back_is_ended_and_its_caller_reports_it(
    world: World, tmp_path: Path
) -> None:
    family = JobType(name="sphinx", command=(sys.executable, "-c", FAMILY, str(tmp_path)))
    work, said = await work_for(world, family), Said()
    running = asyncio.create_task(carried_out(world, work, said))
    await until(lambda: len(pids_in(tmp_path)) == 3)
    said.is_cancelled = True
    ended = await running
    assert not any(is_alive(pid) for pid in pids_in(tmp_path))
    assert ended is not None
    assert (await job(world, work.execution)).state is ended.state is JobState.CANCELLED
    assert (await reports(world))[1:] == [("error", "cancelled")]


async def test_a_prefect_that_cannot_be_asked_is_no_reason_to_end_a_job(
    world: World, tmp_path: Path, logged: list[str]
) -> None:
    async def away() -> bool:
        raise ConnectionError("connection refused")

    said = Said()
    work = await work_for(world, shell(f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"))
    running = asyncio.create_task(carry_out(world.reporter, work, replace(said.callbacks, is_cancelled=away)))
    await until(lambda: len(logged) >= 2)
    (tmp_path / "go").touch()
    ended = await running
    assert ended is not None
    assert ended.state is JobState.SUCCEEDED
    assert logged[0] == "Prefect could not be asked: connection refused"


async def test_the_job_ahead_in_the_group_is_reported(world: World) -> None:
    first = await accept(world.ledger, order("docs/first", group="g"))
    await begin(world.ledger, first)
    work, said = await work_for(world, shell("true"), order(group="g")), Said()
    running = asyncio.create_task(carried_out(world, work, said))
    await until(lambda: len(said.waited_for) == 1)
    await end(world.ledger, first)
    await running
    assert said.waited_for == [[first.job_id], []]


async def test_the_command_does_not_wait_for_the_wait_callback(world: World, tmp_path: Path) -> None:
    """A slow callback gets the newest state, and none that is over by then."""
    go_on, told = asyncio.Event(), list[int]()

    async def slow(ahead: Sequence[UUID]) -> None:
        await go_on.wait()
        told.append(len(ahead))

    running, work = await waiting_behind_another(world, shell(f"touch {tmp_path}/began"), slow, Said())
    await until((tmp_path / "began").exists)
    await until_it_is(world, work, JobState.SUCCEEDED)
    assert not running.done()
    go_on.set()
    ended = await running
    assert ended is not None
    assert ended.state is JobState.SUCCEEDED
    assert told == [0]


async def test_a_failing_begin_callback_ends_nothing(world: World, logged: list[str]) -> None:
    async def away(ahead: Sequence[UUID]) -> None:
        if not ahead:
            raise ConnectionError("connection refused")

    said = Said()
    running, _ = await waiting_behind_another(world, shell("true"), away, said)
    ended = await running
    assert ended is not None
    assert ended.state is JobState.SUCCEEDED
    assert logged == ["the jobs that this one waits for could not be shown: ConnectionError('connection refused')"]


async def test_a_cancel_does_not_wait_for_the_begin_callback(world: World, tmp_path: Path) -> None:
    ended = []

    async def slow(ahead: Sequence[UUID]) -> None:
        if not ahead:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("telling")

    running, work = await waiting_behind_another(world, shell(f"touch {tmp_path}/began; sleep 60"), slow, Said())
    await until((tmp_path / "began").exists)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == ["telling"]
    assert (await job(world, work.execution)).state is JobState.CANCELLED


async def waiting_behind_another(
    world: World, job_type: JobType, on_wait: Callable[[Sequence[UUID]], Awaitable[None]], said: Said
) -> tuple[asyncio.Task[EndedExecution | None], Work]:
    """A job that waited for another of its group, which has just ended."""
    told = asyncio.Event()

    async def publish(ahead: Sequence[UUID]) -> None:
        told.set()
        await on_wait(ahead)

    first = await accept(world.ledger, order("docs/first", group="g"))
    await begin(world.ledger, first)
    work = await work_for(world, job_type, order(group="g"))
    running = asyncio.create_task(carry_out(world.reporter, work, replace(said.callbacks, on_wait=publish)))
    await until(told.is_set)
    await end(world.ledger, first)
    return running, work


async def test_a_job_that_was_taken_over_is_killed_and_reports_nothing(world: World, tmp_path: Path) -> None:
    family = JobType(name="sphinx", command=(sys.executable, "-c", FAMILY, str(tmp_path)))
    work = await work_for(world, family)
    running = asyncio.create_task(carried_out(world, work))
    await until(lambda: len(pids_in(tmp_path)) == 3)
    await change(world, work, execution=2)
    assert await running is None
    assert not any(is_alive(pid) for pid in pids_in(tmp_path))
    assert (await reports(world))[1:] == []


async def test_a_job_that_was_taken_over_at_its_very_end_reports_nothing(world: World) -> None:
    work = await work_for(world, shell("true"))
    taken = replace(work, execution=replace(work.execution, number=1))
    await begin(world.ledger, work.execution)
    await change(world, work, execution=2, state=JobState.WAITING)
    assert await carried_out(world, taken) is None
    assert (await job(world, work.execution)).state is JobState.WAITING


async def test_an_execution_ended_by_another_process_is_not_begun(world: World) -> None:
    said = Said()
    work = await work_for(world, shell("echo no"))
    await end(world.ledger, work.execution, JobState.CRASHED)
    assert await carried_out(world, work, said) is None
    assert said.lines == []


async def test_a_job_gives_signs_of_life_while_it_runs(world: World, tmp_path: Path) -> None:
    work = await work_for(world, shell(f"touch {tmp_path}/began; exec sleep 60"))
    running = asyncio.create_task(carried_out(world, work))
    await until((tmp_path / "began").exists)
    world.clock.advance(25)

    async def has_beaten() -> bool:
        return (await job(world, work.execution)).beat_at == world.clock.now

    await until(has_beaten)
    running.cancel()
    await asyncio.wait({running})


async def test_a_job_wrongly_thought_lost_supersedes_its_error(world: World, tmp_path: Path) -> None:
    work = await work_for(world, shell(f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"))
    running = asyncio.create_task(carried_out(world, work))
    await until_it_is(world, work, JobState.RUNNING)
    await end(world.ledger, work.execution, JobState.LOST, "no sign of life")
    await until_it_is(world, work, JobState.RUNNING)
    (tmp_path / "go").touch()
    ended = await running
    assert ended is not None
    await world.deliver()
    assert [state for state, _ in await reports(world)] == ["pending", "error", "success"]
    assert world.held() == ["success"]


async def test_a_ledger_unavailable_while_the_job_runs_does_not_end_it(
    world: World, tmp_path: Path, logged: list[str]
) -> None:
    said, away = Said(), [False]
    work = await work_for(world, shell(f"touch {tmp_path}/began; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"))
    running = asyncio.create_task(carried_out(world, work, said, by=fickle(world, lambda: away[0])))
    await until((tmp_path / "began").exists)
    away[0] = True
    await until(lambda: len(logged) >= 2)
    away[0] = False
    (tmp_path / "go").touch()
    ended = await running
    assert ended is not None
    assert ended.state is JobState.SUCCEEDED
    assert "the heartbeat could not be stored: " in logged[0]
    assert "the ledger is unavailable" in logged[0]


async def test_an_end_that_cannot_be_stored_is_stored_once_the_ledger_is_back(world: World, logged: list[str]) -> None:
    said = Said()
    work = await work_for(world, shell("true"))
    failures = iter([False, True, True, True])  # begin, and three tries to end
    reporter = fickle(world, lambda: next(failures, False))
    ended = await carry_out_without_beats(world, work, said, reporter)
    assert ended is not None
    assert (await job(world, work.execution)).state is JobState.SUCCEEDED
    assert len([one for one in logged if "the job's end could not be stored" in one]) == 2  # the third is not logged


async def test_a_ledger_unavailable_when_the_job_begins_is_waited_for(world: World, logged: list[str]) -> None:
    said = Said()
    work = await work_for(world, shell("true"))
    failures = iter([True, True])
    reporter = fickle(world, lambda: next(failures, False))
    ended = await carry_out_without_beats(world, work, said, reporter)
    assert ended is not None
    assert ended.state is JobState.SUCCEEDED
    assert len([one for one in logged if "could not be started" in one]) == 2


async def carry_out_without_beats(world: World, work: Work, said: Said, by: Reporter) -> EndedExecution | None:
    """So that only the job's beginning and its end go to the ledger."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heartbeat, "HEARTBEAT_EVERY", timedelta(hours=1))
        return await carried_out(world, work, said, by=by)


async def test_jobs_of_one_group_run_one_after_the_other_in_the_order_of_acceptance(
    world: World, tmp_path: Path
) -> None:
    script = f'mkdir {tmp_path}/lock && echo "$HOME" >/dev/null && sleep 0.1 && rmdir {tmp_path}/lock'
    works = [
        await work_for(world, shell(f"{script} && echo {n} >> {tmp_path}/order"), order(f"docs/{n}", group="g"))
        for n in range(3)
    ]
    ended = await asyncio.gather(*(carried_out(world, work) for work in reversed(works)))
    assert [one.state for one in ended if one] == [JobState.SUCCEEDED] * 3
    assert (tmp_path / "order").read_text().split() == ["0", "1", "2"]


async def test_jobs_without_a_group_do_not_wait_for_each_other(world: World, tmp_path: Path) -> None:
    meet = "touch {0}/{1}; while [ ! -e {0}/{2} ]; do sleep 0.02; done"
    pair = [
        await work_for(world, shell(meet.format(tmp_path, a, b), timeout=LONGEST), order(f"docs/{a}"))
        for a, b in ("xy", "yx")
    ]
    ended = await asyncio.gather(*(carried_out(world, work) for work in pair))
    assert [one.state for one in ended if one] == [JobState.SUCCEEDED] * 2


async def test_an_unexpected_exception_ends_the_job_as_an_error(world: World, logged: list[str]) -> None:
    def fail(_: str) -> None:
        raise KeyError("our own bug")

    said = Said()
    work = await work_for(world, shell("echo a line"))
    ended = await carry_out(world.reporter, work, replace(said.callbacks, on_line=fail))
    assert ended is not None
    assert (ended.state, ended.summary) == (JobState.CRASHED, "could not be run: KeyError")
    assert "our own bug" in logged[0]
    assert (await reports(world))[1:] == [("error", "could not be run: KeyError")]


async def test_without_a_target_nothing_is_recorded(world: World) -> None:
    asked = replace(order(), target=None, url=None, credential="")
    ended = await carried_out(world, await work_for(world, shell("true"), asked))
    assert ended is not None
    assert ended.report is None
    assert await reports(world) == []


async def test_a_missing_token_does_not_keep_a_public_repository_from_being_built(world: World) -> None:
    world.tokens.clear()
    ended = await carried_out(world, await work_for(world, shell("true")))
    assert ended is not None
    assert ended.state is JobState.SUCCEEDED


async def until_it_is(world: World, work: Work, state: JobState) -> None:
    async def is_so() -> bool:
        return (await job(world, work.execution)).state is state

    await until(is_so, what=f"a job that is {state}")


async def test_without_room_a_job_is_refused_and_its_commit_gets_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr("tasks.jobs.build_steps.folders_of_a_job", lambda *_, **__: [Path("/")])
    monkeypatch.setattr("tasks.jobs.build_steps.check_free_space", partial(check_free_space, free=lambda _: LEAST - 1))
    said = Said()
    ended = await carried_out(world, await work_for(world, shell("echo built")), said)
    assert ended is not None
    assert (ended.state, ended.summary) == (JobState.CRASHED, "no space: less than 1 GiB is free")
    assert said.lines == []
    assert logged == ["1,023 MiB are free on the disk of /, and a job needs 1,024: make room there, and retry it"]
    await world.deliver()
    assert world.held() == ["error"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT], ids=["disk", "quota"])
@pytest.mark.parametrize("what", ["mkdtemp", "mkdir"])
async def test_a_disk_found_full_at_the_start_is_reported_on_the_commit(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, what: str, logged: list[str]
) -> None:
    """There may be bytes, and no room for another file; a quota shows in no figure at all."""

    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/tmp")  # noqa: S108  # it is not written to

    monkeypatch.setattr(*{"mkdtemp": (tempfile, "mkdtemp"), "mkdir": (Path, "mkdir")}[what], full)
    await assert_no_space(world, f"no space: {os.strerror(number).lower()}", logged)


async def test_a_job_without_a_temporary_folder_reports_so_on_its_commit(
    world: World, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    """Python takes the first to which it can write four bytes; on full disks there is none."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)
    await assert_no_space(world, "no space: nothing can be written to any folder for temporary files", logged)


async def assert_no_space(world: World, words: str, logged: list[str]) -> None:
    """Check that the job ends with this summary, on its commit and in the log."""
    said = Said()
    ended = await carried_out(world, await work_for(world, shell("echo built")), said)
    assert ended is not None
    assert (ended.state, ended.summary) == (JobState.CRASHED, words)
    assert said.lines == []
    assert len(logged) == 1
    assert ": make room " in logged[0]
    await world.deliver()
    assert world.held() == ["error"]


async def test_a_working_copy_that_leaves_no_room_for_the_jobs_end_does_not_stay(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: list[str]
) -> None:
    def free(_: Path) -> int:
        return 0 if list(tmp_path.rglob("made")) else LEAST

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("tasks.jobs.build_steps.check_free_space", partial(check_free_space, free=free))
    said = Said()
    ended = await carried_out(world, await work_for(world, shell("echo half > made; exit 3")), said)
    assert ended is not None
    assert ended.summary == "exit code 3"
    assert names_in(tmp_path) == []
    assert logged == []


async def test_a_cancel_during_the_removal_of_folders_keeps_the_outcome(world: World, held: Held) -> None:
    running = asyncio.create_task(carried_out(world, await work_for(world, shell("true"))))
    await until(held.begun.is_set)
    running.cancel()
    held.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [state for state, _ in await reports(world)] == ["pending", "success"]


async def test_an_outcome_is_stored_while_its_folders_are_removed(
    world: World, monkeypatch: pytest.MonkeyPatch, held: Held
) -> None:
    users = Users()
    monkeypatch.setattr("tasks.jobs.build_steps._user", users.one)
    work = await work_for(world, shell("true"))
    running = asyncio.create_task(carried_out(world, work))
    await until(held.begun.is_set)
    await until_it_is(world, work, JobState.SUCCEEDED)
    assert not running.done()
    assert users.in_use == 1  # a later job of the same user could enter what is left
    held.go_on.set()
    ended = await running
    assert ended is not None
    assert ended.state is JobState.SUCCEEDED
    assert users.in_use == 0


@dataclass
class Users:
    in_use: int = 0

    @asynccontextmanager
    async def one(self, *_: object) -> AsyncIterator[None]:
        self.in_use += 1
        yield
        self.in_use -= 1


async def test_a_cancelled_job_is_ended_while_its_folders_are_removed(world: World, held: Held, tmp_path: Path) -> None:
    family = JobType(name="sphinx", command=(sys.executable, "-c", FAMILY, str(tmp_path)))
    work = await work_for(world, family)
    running = asyncio.create_task(carried_out(world, work))
    await until(lambda: len(pids_in(tmp_path)) == 3)
    running.cancel()
    await until(held.begun.is_set)
    await until_it_is(world, work, JobState.CANCELLED)
    assert not running.done()
    assert not any(is_alive(pid) for pid in pids_in(tmp_path))
    held.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_folders_that_cannot_be_removed_do_not_change_the_outcome(
    world: World, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError("not ours")

    monkeypatch.setattr(temp_dirs, "remove", fail)
    said = Said()
    ended = await carried_out(world, await work_for(world, shell("true")), said)
    assert ended is not None
    assert ended.state is JobState.SUCCEEDED
    assert logged == ["Reportback itself failed: PermissionError('not ours')"]


async def test_a_failed_jobs_working_copy_stays_and_only_the_log_says_where(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: list[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    said = Said()
    ended = await carried_out(world, await work_for(world, shell("echo half > made; pwd; exit 3")), said)
    assert ended is not None
    [name] = names_in(tmp_path)
    kept = tmp_path / name / "copy"
    assert (kept / "made").read_text() == "half\n"
    assert logged == [f"the working copy is kept for a while for inspection: {kept}"]
    assert str(tmp_path) not in f"{said.lines} {ended.summary} {await reports(world)}"
    await carried_out(world, await work_for(world, shell("true")))
    assert names_in(tmp_path) == [name]
