"""Files that become the job user's."""

import os
from pathlib import Path

from tasks.folders import everything_in
from tasks.job_users import JobUser


def hand_over(folder: Path, user: JobUser) -> None:
    """Make *folder*, which stands in a scratch folder, and all in it *user*'s, and let nobody else in.

    The scratch folder around it stays ours: *user* may pass through it, and not see what else it holds.
    """
    give(folder, user)
    folder.chmod(0o700)
    folder.parent.chmod(0o711)


def give(top: Path, user: JobUser) -> None:
    """Make *top* and all in it *user*'s. Links are given themselves: what they lead to stays whose it is.

    Only for what no job has touched yet: a job can put a second name of somebody else's file there.
    """
    os.lchown(top, user.uid, user.gid)
    for one in everything_in(top):
        os.lchown(one.path, user.uid, user.gid)
