"""File systems that may hold a SQLite ledger: those of one host, by an allowlist."""

from pathlib import Path

import pytest
from ledger_jobs import order, run_job

from storage import local_disk
from storage.ledger import UnsoundLedger, make_engine, open_ledger
from storage.local_disk import LOCAL, SHARED, SharedDisk, check_disk, file_system, type_of


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def stands_on(kind: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_disk, "file_system", lambda _: kind)


@pytest.mark.parametrize("kind", [*sorted(LOCAL), None])
def test_a_disk_of_this_host_is_taken_and_where_the_system_names_none_any(
    ledger: Path, kind: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_on(kind, monkeypatch)
    check_disk(ledger)


@pytest.mark.parametrize(
    "kind",
    [
        *("nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "beegfs", "gfs2", "ocfs2", "afs"),
        *("9p", "virtiofs", "vboxsf", "prl_fs", "fuse.vmhgfs-fuse"),
        *(
            "fuse.glusterfs",
            "fuse.ceph-fuse",
            "fuse.sshfs",
            "fuse.s3fs",
            "fuse.blobfuse2",
            "fuse.gcsfuse",
            "fuse.rclone",
        ),
    ],
)
def test_a_disk_that_hosts_share_is_refused_whatever_a_setting_says(
    ledger: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_on(kind, monkeypatch)
    for local in ((), (kind,)):
        with pytest.raises(SharedDisk, match=rf"other hosts may share \({kind}\).*local disk, or PostgreSQL"):
            check_disk(ledger, local=local)


@pytest.mark.parametrize("kind", ["fuse.mergerfs", "fuse", "fuseblk", "fuse.fuse-overlayfs", "newfs", "ext5", "xfs2"])
def test_a_file_system_that_is_not_known_is_named_and_taken_once_a_setting_names_it(
    ledger: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_on(kind, monkeypatch)
    with pytest.raises(SharedDisk, match=rf"not known.*\({kind}\).*set REPORTBACK_LOCAL_FILE_SYSTEMS={kind}$"):
        check_disk(ledger, local=("fuse.other",))
    check_disk(ledger, local=("fuse.other", kind))


def test_nothing_is_both_local_and_shared() -> None:
    assert not LOCAL & SHARED


def test_a_ledger_is_where_its_links_lead_and_its_file_counts_besides_its_folder(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container mounts single files, too."""
    far = tmp_path / "far"
    far.mkdir()
    (far / "real.db").touch()
    ledger.symlink_to(far / "real.db")
    for shared in (far, far / "real.db"):
        monkeypatch.setattr(
            local_disk, "file_system", lambda place, shared=shared: "nfs" if place == shared else "ext4"
        )
        with pytest.raises(SharedDisk):
            check_disk(ledger)


def test_the_file_system_is_read_from_the_kernel(tmp_path: Path) -> None:
    assert file_system(Path("/proc/self")) == "proc"
    assert file_system(Path("/sys")) == "sysfs"
    (tmp_path / "link").symlink_to("/proc")
    assert file_system(tmp_path / "link") == "proc"
    assert file_system(tmp_path) in LOCAL
    assert file_system(tmp_path / "not there") is None


MOUNTS = rb"""
22 27 0:21 / /proc rw,relatime - proc proc rw
41 27 8:1 / /srv/docs\040and\011more rw shared:1 master:2 - ext4 /dev/sda1 rw
42 41 0:50 / /srv/docs\040and\011more rw,relatime shared:7 - nfs4 host:/a\040-\040b rw,vers=4.2
43 27 0:50 /sub /srv/bound rw - nfs4 host:/a rw
45 27 0:51 / /mnt/pool rw - fuse.mergerfs a:b rw
""".lstrip()


@pytest.mark.parametrize(
    ("mount", "kind"),
    [(22, "proc"), (41, "ext4"), (42, "nfs4"), (43, "nfs4"), (45, "fuse.mergerfs"), (4, None), (None, None)],
)
def test_a_mount_is_identified_by_its_number(mount: int | None, kind: str | None) -> None:
    assert type_of(mount, MOUNTS) == kind


@pytest.mark.parametrize("given_as", ["REPORTBACK_DATABASE_URL", "--to"])
def test_a_disk_that_other_hosts_share_is_refused_by_the_name_of_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given_as: str
) -> None:
    stands_on("nfs4", monkeypatch)
    with pytest.raises(UnsoundLedger, match=rf"^{given_as}: .*\(nfs4\).*PostgreSQL"):
        make_engine(f"sqlite:///{tmp_path / 'ledger.db'}", given_as=given_as)


async def test_a_file_system_that_a_setting_calls_local_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_on("fuse.mergerfs", monkeypatch)
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with pytest.raises(UnsoundLedger, match=r"REPORTBACK_LOCAL_FILE_SYSTEMS=fuse\.mergerfs"):
        make_engine(url)
    async with open_ledger(url, local=("fuse.mergerfs",)) as ledger:
        await run_job(ledger, order())
