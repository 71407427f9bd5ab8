"""The promise holds for the whole installation after all other tests; runs last."""

import pytest
from e2e_rig import FROM_DEATH_TO_ERROR, Rig
from waiting import until

from benchmarks.row_for_row import differences, rows_of, unsettled

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_ledger_and_github_agree_row_for_row(rig: Rig) -> None:
    left: list[str] = []

    async def is_settled() -> bool:
        left[:] = unsettled(await rows_of(rig.ledger))
        return not left

    await until(is_settled, within=2 * FROM_DEATH_TO_ERROR, what=lambda: left)
    rows = await rows_of(rig.ledger)
    ours = {target.repository for target in rows.targets.values()}
    assert rig.repository in ours
    held = [one for one in await rig.github.statuses() if one["repository"] in ours]
    assert differences(rows, held) == []
