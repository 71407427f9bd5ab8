"""A command that the kernel kills as memory runs out, itself or a process below it."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain.process.ended_by import EndedBy
from tasks.process import causes
from tasks.process.command import run_command


async def ended_by(script: str, tmp_path: Path) -> EndedBy:
    done = await run_command(
        ("sh", "-c", script), cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, timeout=timedelta(seconds=50), on_line=print
    )
    return done.ended_by


@pytest.fixture
def kernel_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A line of a script, with which the kernel has killed one more process."""
    (tmp_path / "vmstat").write_text("pgfault 12\noom_kill 3\nthp 1\n")
    monkeypatch.setattr(causes, "VMSTAT", tmp_path / "vmstat")
    return f"printf 'oom_kill 4\\n' > {tmp_path}/vmstat"


@pytest.mark.parametrize(
    ("script", "is_out_of_memory"),
    [
        ("{oom}; kill -9 $$", True),
        ("{oom}; sh -c 'kill -9 $$'", True),  # the shell's last command is its own process
        ("{oom}; sh -c 'kill -9 $$'; exit $?", True),
        ("{oom}; sh -c 'kill -9 $$' || echo 'make: *** [html] Killed'; exit 2", True),
        ("{oom}; exit 1", False),
        ("{oom}; exit 0", False),
        ("{oom}; kill -15 $$", False),
        ("sh -c 'kill -9 $$'; exit $?", False),
        ("kill -9 $$", False),
    ],
)
async def test_it_is_out_of_memory_if_the_kernel_killed_for_it(
    script: str, *, is_out_of_memory: bool, kernel_kills: str, tmp_path: Path
) -> None:
    ended = await ended_by(script.format(oom=kernel_kills), tmp_path)
    assert (ended is EndedBy.OUT_OF_MEMORY) is is_out_of_memory


async def test_a_kernel_that_does_not_say_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causes, "VMSTAT", tmp_path / "none")
    assert await ended_by("kill -9 $$", tmp_path) is EndedBy.SIGNAL
    assert causes.oom_kills() == 0
