"""Turns: the order of the executions of one target; a later turn supersedes an earlier one."""

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.target import Target
from storage.dialect import INSERT
from storage.models import StatusTarget


async def take_turn(session: AsyncSession, target: Target) -> tuple[int, int]:
    """Take the target's next turn; returns the id of its row, inserted for its first job, and the turn.

    One statement: between two of them the row could be pruned.
    """
    row = {"key": target.key, "repository": target.repository, "sha": target.sha, "context": target.context}
    insert = INSERT[session.get_bind().dialect.name](StatusTarget).values(**row, turns=1, attempts=0)
    taken = insert.on_conflict_do_update(index_elements=("key",), set_={"turns": StatusTarget.turns + 1})
    found = await session.exec(taken.returning(col(StatusTarget.id), col(StatusTarget.turns)))
    target_id, turn = found.one()
    return target_id, turn
