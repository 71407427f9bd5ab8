"""`reportback reports list`: filters, columns and JSON."""

import pytest
from ledger_jobs import SHA
from shell import Shell, recorded
from world import World

from console.arguments import ReportFilter
from console.list import list_reports
from domain.delivery.outcome import Reason
from fake_github.faults import Kind


async def test_a_report_is_a_row(world: World, shell: Shell) -> None:
    number = await recorded(world, "docs/refused", Kind.ARCHIVED)
    assert await list_reports(rejected=True) == 0
    assert shell.said() == (
        "report repository sha context state phase age next try why "
        f"{number} acme/site 3f2a91c docs/refused success rejected 2 h by hand "
        "archived: Repository was archived so is read-only."
    )


@pytest.mark.parametrize("width", [80, 250])
async def test_every_word_is_shown_however_narrow_the_terminal_is(
    world: World, shell: Shell, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    await recorded(world, "docs/with-a-name-that-is-longer-than-its-column", Kind.ARCHIVED)
    await list_reports()
    out, _ = shell.heard()
    assert max(map(len, out.splitlines())) <= width
    assert "…" not in out
    shown = "".join(out.split())
    assert "3f2a91c" in shown
    assert "read-only." in shown


async def test_nothing_to_list_says_of_which_ledger(world: World, shell: Shell) -> None:
    assert await list_reports() == 0
    assert shell.said() == f"No such report in {world.ledger.place}."


async def test_what_is_rejected_is_named_where_only_the_undelivered_is_asked_for(world: World, shell: Shell) -> None:
    await recorded(world, "docs/refused", Kind.ARCHIVED)
    rejected = "1 rejected, for a person to retry: `reportback reports list --rejected` lists them.\n"
    assert await list_reports(undelivered=True, fails_if_any=True) == 0
    assert shell.heard() == (f"Nothing of that is due in {world.ledger.place}.\n", rejected)
    await list_reports(undelivered=True, as_json=True)
    assert shell.heard() == ("[]\n", rejected)
    await recorded(world, "docs/broken", Kind.CLOSE)
    await list_reports(undelivered=True)
    out, err = shell.heard()
    assert ("docs/broken" in out, err) == (True, rejected)
    await list_reports(undelivered=True, asked=ReportFilter(repository="acme/other"))
    assert shell.heard() == (f"No such report in {world.ledger.place}.\n", "")
    await list_reports(undelivered=True, rejected=True)
    assert shell.heard()[1] == ""


async def test_for_a_program_it_is_an_array_of_stable_fields(world: World, shell: Shell) -> None:
    number = await recorded(world, "docs/broken", Kind.CLOSE)
    await list_reports(undelivered=True, as_json=True)
    target = await world.target("docs/broken")
    assert target.doubt_until is not None
    [one] = shell.json()
    job = one.pop("job")
    assert (len(job), one.pop("next_try_at")) == (36, target.doubt_until.isoformat())
    assert one == {
        "report": number, "execution": 1, "repository": "acme/site", "sha": SHA, "context": "docs/broken",
        "state": "success", "phase": "due", "recorded_at": world.clock.now.isoformat(), "delivered_at": None,
        "status_id": None, "credential": "env:REPORTBACK_GITHUB_TOKEN", "reason": None,
        "last_error": target.last_error,
    }  # fmt: skip


@pytest.mark.usefixtures("world")
async def test_for_a_program_nothing_is_an_empty_array(shell: Shell) -> None:
    await list_reports(as_json=True)
    assert shell.json() == []


async def test_omitted_reports_are_counted_on_stderr(world: World, shell: Shell) -> None:
    await recorded(world, "docs/a")
    await list_reports(limit=1)
    out, err = shell.heard()
    assert len(out.splitlines()) == 2
    assert err == "There are more; these are the first 1. --limit shows more of them, a filter fewer.\n"
    await list_reports(limit=2)
    assert shell.heard()[1] == ""


@pytest.mark.usefixtures("shell")
@pytest.mark.parametrize(("reason", "code"), [(Reason.ARCHIVED, 1), (Reason.GONE, 0)])
async def test_the_exit_code_says_whether_any_report_is_list_reports(world: World, reason: Reason, code: int) -> None:
    await recorded(world, "docs/a", Kind.ARCHIVED)
    asked = ReportFilter(reason=reason)
    assert await list_reports(asked=asked, fails_if_any=True) == code


async def test_outside_text_is_neither_markup_nor_control(world: World, shell: Shell) -> None:
    await recorded(world, "[bold]docs[/bold]\x1b[2J")
    await list_reports()
    out, _ = shell.heard()
    assert "[bold]docs[/bold]" in out
    assert "\x1b[2J" not in out
