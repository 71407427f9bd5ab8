"""The file system that a folder stands on."""

from pathlib import Path

NETWORK_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "ceph", "lustre"})


def file_system(folder: Path) -> str | None:
    """The type of the file system that holds *folder*; None where the kernel does not tell."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    real = folder.resolve()
    mounts = [(Path(fields[1]), fields[2]) for fields in map(str.split, lines) if len(fields) > 2]  # noqa: PLR2004  # device, point, type
    holding = [(point, kind) for point, kind in mounts if real.is_relative_to(point)]
    return max(holding, key=lambda mount: len(mount[0].parts))[1] if holding else None
