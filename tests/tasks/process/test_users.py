"""Job users: parsing, and what is refused at start."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from domain.process.job_user import Ids
from tasks.process import identity
from tasks.process import users as module
from tasks.process.users import NEEDED, JobUser, NoJobUser, job_users

Entry: TypeAlias = Callable[[int, int], None]
ALL = sum(1 << number for number in NEEDED.values())


@pytest.fixture(autouse=True)
def may_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel that says what this process may do."""
    status = tmp_path / "status"
    status.write_text(f"Name:\tpython\nCapEff:\t{ALL:016x}\n")
    monkeypatch.setattr(module, "STATUS", status)
    return status


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Entry:
    """Has /etc/passwd know the user `docs` by this id and group."""

    def known(uid: int, gid: int) -> None:
        found = pwd.struct_passwd(("docs", "x", uid, gid, "", "/", "/bin/sh"))
        monkeypatch.setattr(pwd, "getpwnam", {"docs": found}.__getitem__)
        monkeypatch.setattr(pwd, "getpwuid", {uid: found}.__getitem__)

    return known


def test_without_the_setting_there_is_none() -> None:
    assert job_users(None) == ()


def test_ids_need_no_name_and_have_a_group_of_their_own() -> None:
    assert job_users(Ids(3_000_000, 3_000_001)) == (JobUser(3_000_000, 3_000_000), JobUser(3_000_001, 3_000_001))


def test_a_name_and_its_id_are_the_same_user(entry: Entry) -> None:
    entry(3_000_007, 3_000_008)
    assert job_users("docs") == job_users(Ids(3_000_007, 3_000_007)) == (JobUser(3_000_007, 3_000_008),)


def test_the_overflow_user_is_refused() -> None:
    with pytest.raises(NoJobUser, match="has 65534, the id of all unknown users"):
        job_users(Ids(65_533, 65_535))


@pytest.mark.parametrize("group", [0, os.getgid()])
def test_a_user_of_roots_group_or_the_flows_is_refused(entry: Entry, group: int) -> None:
    entry(3_000_007, group)
    with pytest.raises(NoJobUser, match=f"has 3000007, whose group {group} is root's or this flow's"):
        job_users("docs")


def test_a_proc_that_hides_what_jobs_run_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "INIT_STAT", tmp_path / "hidden")
    with pytest.raises(NoJobUser, match="/proc hides the processes of jobs from this one"):
        job_users(Ids(3_000_000, 3_000_000))


def test_a_machine_on_which_jobs_may_name_our_files_anew_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hard_links").write_text("0\n")
    monkeypatch.setattr(module, "HARD_LINKS", tmp_path / "hard_links")
    with pytest.raises(NoJobUser, match=r"sysctl fs\.protected_hardlinks=1"):
        job_users(Ids(3_000_000, 3_000_000))


def test_a_machine_that_cannot_remove_what_jobs_leave_in_system_v_ipc_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.defpath", str(tmp_path))
    with pytest.raises(NoJobUser, match=r"no ipcrm here.*install util-linux"):
        job_users(Ids(3_000_000, 3_000_000))


def test_an_unknown_name_is_refused_with_how_to_make_it() -> None:
    with pytest.raises(NoJobUser, match=r"no user 'no-such-user' here: make it \(useradd"):
        job_users("no-such-user")


def test_root_is_refused() -> None:
    with pytest.raises(NoJobUser, match="is root, which can read everything"):
        job_users("root")


def test_the_user_of_the_flow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 3_000_005)
    with pytest.raises(NoJobUser, match="3000005, which is the user of this flow: name another one"):
        job_users(Ids(3_000_000, 3_000_009))


def test_an_id_that_a_container_does_not_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "map").write_text("         0       1000          1\n         1     100000      65536\n")
    monkeypatch.setattr(module, "UID_MAP", tmp_path / "map")
    assert job_users(Ids(65536, 65536))
    with pytest.raises(NoJobUser, match="65537, an id that this container does not have: name lower ones"):
        job_users(Ids(65536, 65537))


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_capability_is_named_with_what_to_do_in_one_line(missing: str, may_all: Path) -> None:
    may_all.write_text(f"CapEff:\t{ALL & ~(1 << NEEDED[missing]):016x}\n")
    with pytest.raises(NoJobUser, match=f"it lacks CAP_{missing}. Run the worker as root or") as refused:
        job_users(Ids(3_000_000, 3_000_000))
    assert "\n" not in str(refused.value)
