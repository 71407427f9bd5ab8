"""Turns: the order of the executions of one target; a later turn supersedes an earlier one."""

from sqlmodel import col

from domain.delivery.target import Target
from storage.dialect import INSERT
from storage.models import StatusTarget
from storage.transaction import Transaction


def take_turn(tx: Transaction, target: Target) -> tuple[int, int]:
    """Take the target's next turn; returns the id of its row, inserted for its first job, and the turn.

    One statement: between two of them the row could be pruned.
    """
    row = {"key": target.key, "repository": target.repository, "sha": target.sha, "context": target.context}
    insert = INSERT[tx.session.get_bind().dialect.name](StatusTarget).values(**row, turns=1, attempts=0)
    taken = insert.on_conflict_do_update(index_elements=("key",), set_={"turns": StatusTarget.turns + 1})
    found = tx.session.exec(taken.returning(col(StatusTarget.id), col(StatusTarget.turns)))
    target_id, turn = found.one()
    return target_id, turn
