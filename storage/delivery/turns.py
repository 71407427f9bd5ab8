"""Turns: the order of the executions of one target; a later turn supersedes an earlier one."""

from sqlalchemy import bindparam, update

from domain.delivery.target import Target
from storage.dialect import insert
from storage.models import StatusTarget
from storage.transaction import Transaction, table_of

TARGETS = table_of(StatusTarget)

NEXT_TURN = "(key) DO UPDATE SET turns = status_target.turns + 1 RETURNING id, turns, newest_id"
TAKE = insert(StatusTarget, "key", "repository", "sha", "context", "turns", "attempts", on_conflict=NEXT_TURN)
GIVE_BACK = update(TARGETS).where(TARGETS.c.id == bindparam("target_id")).values(turns=TARGETS.c.turns - 1)


def take_turn(tx: Transaction, target: Target) -> tuple[int, int, int | None]:
    """Take the target's next turn; returns the id of its row, now locked, the turn, and its newest report, if any.

    One statement, which inserts the row for its first job: between two of them the row could be pruned.
    """
    key = {"key": target.key, "repository": target.repository, "sha": target.sha, "context": target.context}
    target_id, turn, newest_id = tx.execute(TAKE, **key, turns=1, attempts=0).one()
    return target_id, turn, newest_id


def give_back(tx: Transaction, target_id: int) -> None:
    """Give back the turn that this transaction has just taken."""
    tx.execute(GIVE_BACK, target_id=target_id)
