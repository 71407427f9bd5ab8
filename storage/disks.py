"""Whether a SQLite ledger may stand where it is to stand: on a disk that only this host writes to.

SQLite's locks, and the memory that its processes share, do not reach another host.
"""

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

LOCAL = frozenset(
    {
        *("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "jfs", "reiserfs", "nilfs2", "ubifs"),
        *("tmpfs", "ramfs", "rootfs", "exfat", "vfat", "ntfs3"),
        "overlay",  # a container's own layer: the kernel takes no network disk for the part that is written to
    }
)
"""File systems of one host, by the names that Linux gives them. None of FUSE's: they may keep things anywhere."""

SHARED = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "coda", "ceph", "lustre", "beegfs", "glusterfs"),
        *("gpfs", "orangefs", "pvfs2", "panfs", "gfs", "gfs2", "ocfs2", "wekafs", "sshfs"),
        *("9p", "virtiofs", "vboxsf", "prl_fs", "vmhgfs", "drvfs", "fakeowner"),  # a virtual machine's, with its host
        *("ceph-fuse", "s3fs", "blobfuse", "blobfuse2", "gcsfuse", "goofys", "rclone", "juicefs", "vmhgfs-fuse"),
        *("mount-s3", "moosefs", "mfs", "lizardfs", "seaweedfs", "davfs", "curlftpfs"),
    }
)
"""File systems that several hosts write to; of those that FUSE serves, what follows `fuse.`."""


class SharedDisk(Exception):
    """The disk is shared with other hosts, or may be. The message says why, and what to do."""


def check_disk(path: Path, *, local: Collection[str] = ()) -> None:
    """Return if the ledger at *path*, whose folder exists, stands on a disk of this host.

    *local*: further file systems to take for a host's own, by the names that Linux gives them. Where the system names
    none, as macOS, nothing is refused.

    Raises:
        SharedDisk: other hosts use it too, or nothing is known of its file system.
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
    """The type of the file system that *place* is on. None: there is no such place, or the system does not tell.

    The kernel itself says by which mount it gets there: of two on one folder by the upper one, and whatever its name.
    """
    with suppress(OSError, AttributeError):  # macOS has no O_PATH
        return type_of(_mount_of(place), Path("/proc/self/mountinfo").read_bytes())
    return None


def type_of(mount: int | None, told: bytes) -> str | None:
    """The type of the mount with this number, as /proc/self/mountinfo *told*. None: it does not stand there.

    https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html; a name contains no space there.
    """
    for line in told.splitlines():
        if line.partition(b" ")[0] == b"%d" % (mount or 0):
            return os.fsdecode(line.partition(b" - ")[2].partition(b" ")[0])
    return None


def _mount_of(place: Path) -> int | None:
    """The mount's number. A place that is only named is not opened: closing a SQLite file would drop its locks."""
    named = os.open(place, os.O_PATH | (os.O_DIRECTORY if place.is_dir() else 0))
    try:
        told = Path(f"/proc/self/fdinfo/{named}").read_text(encoding="ascii")
    finally:
        os.close(named)
    numbers = [line.split()[1] for line in told.splitlines() if line.startswith("mnt_id:")]
    return int(numbers[0]) if numbers else None
