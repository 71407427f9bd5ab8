"""Workers' tokens are noted by a keyed hash, compared with what they hold now, and shown with GitHub's refusal."""

from ledger_jobs import CREDENTIAL
from sqlmodel import SQLModel
from world import Clock

from storage.delivery import credentials, pauses
from storage.identity import fingerprint
from storage.ledger import Ledger
from storage.operations import worker_tokens
from storage.operations.worker_tokens import KEPT_FOR, NOTED_EVERY, Noted, is_current, noted
from storage.transaction import timed

MINE = ("docs-1", "0.1.0", {CREDENTIAL: "a hash"})


async def test_a_token_is_noted_by_its_keyed_hash_only(ledger: Ledger) -> None:
    await ledger.write(worker_tokens.note, "docs-1", "0.1.0", {CREDENTIAL: "a hash", "env:NONE": None})
    found, now = await ledger.read(timed, noted)
    one, none = sorted(found, key=lambda each: each.fingerprint is None)
    assert one.fingerprint == await ledger.read(fingerprint, "a hash")
    assert one == Noted("docs-1", CREDENTIAL, one.fingerprint, "0.1.0", now)
    assert none == Noted("docs-1", "env:NONE", None, "0.1.0", now)


async def test_a_note_is_current_until_anything_in_it_changes_or_it_is_old(ledger: Ledger, clock: Clock) -> None:
    assert not await ledger.read(is_current, *MINE)
    await ledger.write(worker_tokens.note, *MINE)
    clock.advance(NOTED_EVERY.total_seconds())
    assert await ledger.read(is_current, *MINE)
    for changed in (
        ("docs-1", "0.2.0", {CREDENTIAL: "a hash"}),
        ("docs-1", "0.1.0", {CREDENTIAL: "another"}),
        ("docs-1", "0.1.0", {CREDENTIAL: None}),
        ("docs-1", "0.1.0", {CREDENTIAL: "a hash", "env:MORE": "b hash"}),
        ("docs-2", "0.1.0", {CREDENTIAL: "a hash"}),
    ):
        assert not await ledger.read(is_current, *changed)
    clock.advance(1)
    assert not await ledger.read(is_current, *MINE)


async def test_the_latest_note_of_a_worker_replaces_its_earlier_ones(ledger: Ledger) -> None:
    await ledger.write(worker_tokens.note, "docs-1", "0.1.0", {CREDENTIAL: "a hash", "env:OLD": "b hash"})
    await ledger.write(worker_tokens.note, "docs-2", "0.1.0", {"env:OLD": "b hash"})
    await ledger.write(worker_tokens.note, "docs-1", "0.2.0", {CREDENTIAL: "another"})
    found = await ledger.read(noted)
    assert [(one.worker, one.credential, one.version) for one in found] == [
        ("docs-1", CREDENTIAL, "0.2.0"),
        ("docs-2", "env:OLD", "0.1.0"),
    ]
    assert found[0].fingerprint == await ledger.read(fingerprint, "another")


async def test_a_worker_that_ran_nothing_for_a_day_is_forgotten(ledger: Ledger, clock: Clock) -> None:
    await ledger.write(worker_tokens.note, *MINE)
    clock.advance(KEPT_FOR.total_seconds() + 1)
    await ledger.write(worker_tokens.note, "docs-2", "0.1.0", {CREDENTIAL: "a hash"})
    assert [one.worker for one in await ledger.read(noted)] == ["docs-2"]


async def test_a_token_that_github_refused_is_shown_as_refused_where_it_is_still_held(ledger: Ledger) -> None:
    await ledger.write(worker_tokens.note, "old", "0.1.0", {CREDENTIAL: "a hash"})
    await ledger.write(worker_tokens.note, "new", "0.1.0", {CREDENTIAL: "another"})
    await ledger.write(credentials.ensure, CREDENTIAL)
    until = await ledger.write(lambda tx: pauses.refuse(tx, credentials.locked(tx, CREDENTIAL), "a hash", before=None))
    assert {one.worker: one.refused_until for one in await ledger.read(noted)} == {"old": until, "new": None}


def test_its_table_has_no_column_for_a_secret() -> None:
    columns = SQLModel.metadata.tables["worker_token"].columns.keys()
    assert columns == ["worker", "credential", "fingerprint", "version", "noted_at"]
