"""Files that become the job user's."""

from collections.abc import Sequence
from pathlib import Path

from domain.process.limits import FileBounds
from tasks.process.files import give
from tasks.process.users import JobUser


async def hand_over(folders: Sequence[Path], user: JobUser, bounds: FileBounds) -> None:
    """Make *folders*, which stand in scratch folders, and all in them *user*'s, and let nobody else in.

    The scratch folders around them stay ours: *user* may pass through, and not see what else they hold.

    Raises FileWorkFailed.
    """
    await give(folders, user, bounds)
    for folder in folders:
        folder.chmod(0o700)
        folder.parent.chmod(0o711)
