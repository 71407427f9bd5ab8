"""`reportback reports retry`: selects reports and makes them due again."""

import asyncio
import io
import os
import pty
import sys
from collections.abc import Iterator

import pytest
from shell import Shell, recorded
from waiting import soon, until
from world import World

from console.arguments import ReportFilter
from console.retry import retry
from domain.delivery.budget import BULK_SIZE
from domain.delivery.outcome import Reason
from domain.delivery.report import EventKind, Phase
from fake_github.faults import Kind
from fake_github.process import StandIn
from storage.delivery import events


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What a person types at the terminal that is stdin now."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as terminal, os.fdopen(ours, "wb", buffering=0) as keys:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield keys.fileno()


async def many(world: World) -> None:
    for number in range(BULK_SIZE + 1):
        await recorded(world, f"docs/{number}")


async def test_a_rejected_report_is_reopened_and_delivered_by_the_user_of_the_shell(
    world: World, shell: Shell, stand_in: StandIn
) -> None:
    number = await recorded(world, "docs/refused", Kind.ARCHIVED)
    assert await retry(number) == 0
    out, err = shell.heard()
    assert out == "1 delivered or superseded.\n"
    *moves, last = err.splitlines()
    assert [line.partition(":")[0] for line in moves] == ["INFO reopened", "INFO sending to GitHub", "INFO on GitHub"]
    assert last == f"report {number}: delivered"
    assert [status["context"] for status in await stand_in.statuses()] == ["docs/refused"]
    history = await world.ledger.write(events.of_report, number)
    assert [event.actor for event in history if event.kind is EventKind.REOPENED] == ["ada"]


async def test_undelivered_reports_set_the_exit_code(world: World, shell: Shell, stand_in: StandIn) -> None:
    good, bad = await recorded(world, "docs/a"), await recorded(world, "docs/b")
    await stand_in.fault("archived", context="docs/b")
    assert await retry(asked=ReportFilter(repository="acme/site")) == 1
    out, err = shell.heard()
    assert out == "1 of 2 are still undelivered; the reconciliation goes on with what is due.\n"
    assert f"report {good}: delivered\n" in err
    assert f"report {bad}: rejected: archived: " in err
    assert (await world.phases("docs/b"))["success"] is Phase.REJECTED


async def test_a_report_of_a_repository_that_is_not_allowed_is_left_as_it_is(
    world: World, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_ALLOWED_REPOSITORIES", "others/*")
    number = await recorded(world, "docs/refused", Kind.ARCHIVED)
    assert await retry(number) == 1
    assert "REPORTBACK_ALLOWED_REPOSITORIES does not name" in " ".join(shell.heard())
    assert (await world.phases("docs/refused"))["success"] is Phase.REJECTED


async def test_only_selected_reports_are_tried(world: World, shell: Shell, stand_in: StandIn) -> None:
    await recorded(world, "docs/archived", Kind.ARCHIVED)
    await recorded(world, "docs/gone", Kind.GONE)
    await recorded(world, "docs/due")
    assert await retry(asked=ReportFilter(reason=Reason.GONE)) == 0
    assert shell.said() == "1 delivered or superseded."
    assert [status["context"] for status in await stand_in.statuses()] == ["docs/gone"]


async def test_a_number_of_nothing_undelivered_is_said(world: World, shell: Shell) -> None:
    number = await recorded(world, "docs/a")
    assert await retry(number - 1, 4711) == 0
    said = [f"report {one}: delivered, superseded or unknown: left alone\n" for one in (number - 1, 4711)]
    assert shell.heard() == ("Nothing to deliver.\n", "".join(said))


async def test_a_dry_run_lists_the_selected_reports_and_tries_none(
    world: World, shell: Shell, stand_in: StandIn
) -> None:
    await recorded(world, "docs/refused", Kind.ARCHIVED)
    await recorded(world, "docs/due")
    assert await retry(asked=ReportFilter(repository="acme/site"), is_dry_run=True) == 0
    said = shell.said()
    assert "docs/refused success rejected" in said
    assert "docs/due success due" in said
    assert await stand_in.requests() == []
    assert (await world.phases("docs/refused"))["success"] is Phase.REJECTED


async def test_without_a_selection_nothing_is_tried(shell: Shell) -> None:
    assert await retry(is_sure=True) == 2
    out, err = shell.heard()
    assert out == ""
    assert err.startswith("reportback: nothing was selected")


async def test_many_reports_need_yes_without_a_terminal(world: World, shell: Shell, stand_in: StandIn) -> None:
    await many(world)
    assert await retry(asked=ReportFilter(repository="acme/site")) == 2
    assert shell.heard() == ("", "reportback: these are 11 reports: see them with --dry-run, then say --yes\n")
    assert await stand_in.requests() == []
    assert await retry(asked=ReportFilter(repository="acme/site"), is_sure=True) == 0
    assert len(await stand_in.statuses()) == 11


@pytest.mark.parametrize(("typed", "code", "count"), [(b"y\n", 0, 11), (b"n\n", 2, 0), (b"\n", 2, 0), (b"\x04", 2, 0)])
async def test_a_person_is_asked_before_many(
    world: World, shell: Shell, stand_in: StandIn, keyboard: int, *, typed: bytes, code: int, count: int
) -> None:
    await many(world)
    os.write(keyboard, typed)
    assert await retry(asked=ReportFilter(repository="acme/site")) == code
    assert shell.heard()[1].startswith("Retry 11 reports? [y/N] ")
    assert len(await stand_in.statuses()) == count


@pytest.mark.usefixtures("keyboard")
async def test_an_unanswered_question_can_be_interrupted(world: World, shell: Shell) -> None:
    await many(world)
    asking = asyncio.create_task(retry(asked=ReportFilter(repository="acme/site")))
    await until(lambda: "[y/N]" in shell.heard()[1])
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(asking, "the end of the command")
