"""A process of a job that the kernel itself kills for memory, in a control group of this test's. Needs root."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from executions import Executions
from world import World

from domain.jobs.job_states import JobState

GROUPS = {"memory.max": Path("/sys/fs/cgroup"), "memory.limit_in_bytes": Path("/sys/fs/cgroup/memory")}
"""The file with a group's limit, and the folder of the groups: of version 2 of the kernel's interface, and of 1."""
MOST = 64 << 20
ALLOCATE = f"python3 -c 'bytearray(b\"x\") * {4 * MOST}'"


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group whose processes may use 64 MiB."""
    made = []
    for limit, folder in GROUPS.items():
        name = folder / f"reportback-{uuid4()}"
        if (folder / "cgroup.procs").exists():
            name.mkdir()
            made.append(name)
            if (name / limit).exists():
                break
    try:
        assert made, "no control groups: mount cgroup2, and run this as root"
        (made[-1] / limit).write_text(str(MOST))
        yield made[-1]
    finally:
        for one in made:
            one.rmdir()


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize(
    "below", ["exec {}", "{}; exit $?", "{} || exit 2", "{} | cat; echo 'make: *** Killed'; exit 2"]
)
async def test_a_job_of_which_the_kernel_kills_a_process_for_memory_says_so(
    world: World, group: Path, below: str
) -> None:
    executions = Executions(world)
    enter = f"echo $$ > {group}/cgroup.procs"
    ended = await executions.run(f"set +e\n{enter}\n{below.format(ALLOCATE)}\n")
    assert ended.state is JobState.CRASHED
    assert ended.summary.startswith("out of memory after ")
    assert ended.summary.endswith(": the kernel killed a process")
    assert (await executions.reports())[1:] == [("error", ended.summary)]
