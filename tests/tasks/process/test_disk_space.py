"""A job that would fill the disk is refused, with a report; kept working copies are removed first."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from ledger_jobs import order
from processes import names_in
from world import World

from domain.jobs.execution import Execution
from domain.jobs.job_type import JobType
from tasks.jobs.build_cache import BuildCache
from tasks.jobs.execution_spec import Work, folders_of_a_job
from tasks.jobs.keep_output import Outputs
from tasks.process.disk_space import LEAST, NoSpace, check_free_space, free_in
from tasks.process.temp_dirs import KEPT_PREFIX

HERE, LEDGER = Path("/here"), Path("/ledger")


def test_with_room_on_every_disk_a_job_is_run() -> None:
    check_free_space([HERE, LEDGER], free=lambda _: LEAST)


@pytest.mark.parametrize("full", [HERE, LEDGER])
def test_one_disk_that_is_nearly_full_is_enough_to_refuse(full: Path) -> None:
    left = {HERE: 9 * LEAST, LEDGER: 9 * LEAST, full: LEAST - 1}
    with pytest.raises(NoSpace, match=r"^no space: less than 1 GiB is free$") as refused:
        check_free_space(left, free=left.__getitem__)
    assert (
        refused.value.to_do
        == f"1,023 MiB are free on the disk of {full}, and a job needs 1,024: make room there, and retry it"
    )


def kept(parent: Path, *names: str) -> None:
    """Working copies of jobs that failed, the oldest first."""
    for age, name in enumerate(names):
        (parent / f"{KEPT_PREFIX}{name}").mkdir()
        os.utime(parent / f"{KEPT_PREFIX}{name}", (1_000_000_000 + age,) * 2)


@pytest.mark.parametrize(("takes", "left"), [(1, ["b", "c"]), (2, ["c"]), (3, [])])
def test_before_a_job_is_refused_kept_copies_go_the_oldest_first(takes: int, left: list[str], tmp_path: Path) -> None:
    kept(tmp_path, "a", "b", "c")
    check_free_space([tmp_path], free=lambda folder: LEAST + 3 - takes - len(names_in(folder)))
    assert names_in(tmp_path) == [f"{KEPT_PREFIX}{name}" for name in left]


def test_a_job_is_refused_once_no_kept_copy_is_left(tmp_path: Path) -> None:
    kept(tmp_path, "a", "b")
    with pytest.raises(NoSpace):
        check_free_space([tmp_path], free=lambda _: 0)
    assert names_in(tmp_path) == []


def test_a_folder_that_is_not_made_yet_is_on_the_disk_of_the_one_around_it(tmp_path: Path) -> None:
    assert free_in(tmp_path / "not" / "there") > 0


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_disks_of_outputs_and_caches_are_checked_for_jobs_that_use_them(world: World) -> None:
    outputs, cache = Path("/outputs"), Path("/cache")
    plain = JobType(name="sphinx", command=("true",))
    step = {"command": ["true"], "cache": {"paths": ["a"], "key": ["b"]}}
    uses = JobType.model_validate({"name": "sphinx", "command": ["true"], "output": "site", "prepare": [step]})
    kept, cached = Outputs(outputs, 1, timedelta(days=1)), BuildCache(cache, 1)
    works = [Work(Execution(UUID(int=1), 1, None), order(), one, None, kept, cached) for one in (plain, uses)]
    seen = [set(folders_of_a_job(world.ledger, work)) for work in works]
    assert seen[1] - seen[0] == {outputs, cache}
    assert Path(world.ledger.place).parent in seen[0]
