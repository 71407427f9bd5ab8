"""A job that would fill the disk is refused, and its commit is told."""

from pathlib import Path

import pytest

from tasks.free_space import LEAST, NoSpace, check_free_space

HERE, LEDGER = Path("/here"), Path("/ledger")


def test_with_room_on_every_disk_a_job_is_run() -> None:
    check_free_space([HERE, LEDGER], free=lambda _: LEAST)


@pytest.mark.parametrize("full", [HERE, LEDGER])
def test_one_disk_that_is_nearly_full_is_enough_to_refuse(full: Path) -> None:
    left = {HERE: 9 * LEAST, LEDGER: 9 * LEAST, full: LEAST - 1}
    with pytest.raises(NoSpace, match=r"^no space: less than 1 GiB is free$"):
        check_free_space(left, free=left.__getitem__)
