"""Checks that a SQLite ledger is on a disk that only this host writes to.

SQLite's locks and the shared memory of its processes do not work across hosts.
"""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

LOCAL = frozenset(
    {
        *("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs", "nilfs2", "ubifs"),
        *("tmpfs", "ramfs", "rootfs", "exfat", "vfat", "ntfs3"),
        "overlay",  # a container's own layer: the kernel accepts no network disk as its writable part
    }
)
"""File systems of one host, by their names in Linux. None of FUSE's: they may store data anywhere."""

SHARED = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "coda", "ceph", "lustre", "beegfs", "glusterfs"),
        *("gpfs", "orangefs", "pvfs2", "panfs", "gfs", "gfs2", "ocfs2", "wekafs", "sshfs"),
        *("9p", "virtiofs", "vboxsf", "prl_fs", "vmhgfs", "drvfs", "fakeowner"),  # a virtual machine's, with its host
        *("ceph-fuse", "s3fs", "blobfuse", "blobfuse2", "gcsfuse", "goofys", "rclone", "juicefs", "vmhgfs-fuse"),
        *("mount-s3", "moosefs", "mfs", "lizardfs", "seaweedfs", "davfs", "curlftpfs"),
    }
)
"""File systems that several hosts write to; those of FUSE without their prefix `fuse.`."""


class SharedDisk(Exception):
    """The disk is shared with other hosts, or may be. The message says why, and what to do."""


def check_disk(path: Path, *, local: Collection[str] = ()) -> None:
    """Return if the ledger at *path*, whose folder exists, is on a disk of this host.

    *local*: further file systems to accept, by their names in Linux. If the system names none, as on macOS, every disk
    is accepted.

    Raises:
        SharedDisk: other hosts use it too, or its file system is not known.
    """
    real = path.resolve()
    for place in (real.parent, real):
        kind = file_system(place)
        if kind is None or kind in LOCAL:
            continue
        if kind.removeprefix("fuse.") in SHARED:
            raise SharedDisk(
                f"{path} is on a disk that other hosts may share ({kind}), where SQLite's locks do not hold; "
                "use a local disk, or PostgreSQL"
            )
        if kind not in local:
            raise SharedDisk(
                f"{path} is on a file system of which it is not known whether other hosts share it ({kind}); use "
                f"another disk, or PostgreSQL; if only this host uses it, set REPORTBACK_LOCAL_FILE_SYSTEMS={kind}"
            )


def file_system(place: Path) -> str | None:
    """The type of the file system that *place* is on. None: there is no such place, or the system does not say.

    By the id of the mount that the kernel resolves *place* to: of two mounts on one folder, the upper one.
    """
    with suppress(OSError, AttributeError):  # macOS has no O_PATH
        return type_of(_mount_of(place), Path("/proc/self/mountinfo").read_bytes())
    return None


def type_of(mount: int | None, mountinfo: bytes) -> str | None:
    """The type of the mount with this id in *mountinfo*, the content of /proc/self/mountinfo. None: it is not there.

    https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html; names are escaped and contain no space.
    """
    for line in mountinfo.splitlines():
        if line.partition(b" ")[0] == b"%d" % (mount or 0):
            return os.fsdecode(line.partition(b" - ")[2].partition(b" ")[0])
    return None


def _mount_of(place: Path) -> int | None:
    """The id of the mount of *place*. O_PATH does not open the file: closing a SQLite file would drop its locks."""
    named = os.open(place, os.O_PATH | (os.O_DIRECTORY if place.is_dir() else 0))
    try:
        fdinfo = Path(f"/proc/self/fdinfo/{named}").read_text(encoding="ascii")
    finally:
        os.close(named)
    numbers = [line.split()[1] for line in fdinfo.splitlines() if line.startswith("mnt_id:")]
    return int(numbers[0]) if numbers else None
