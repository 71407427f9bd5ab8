"""A job's output: the lines that are logged, its progress, and the description of its status."""

import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from callbacks import idle_callbacks
from sqlmodel import col, select
from world import World, accept, order

from domain.jobs.job_states import JobState
from domain.jobs.job_type import JobType
from domain.output.progress import Progress
from storage.models import StatusReport
from tasks.jobs.execution_spec import EndedExecution, Work
from tasks.jobs.run_execution import carry_out
from tasks.process.output_lines import MAX_LINE

pytestmark = pytest.mark.parametrize("database", ["sqlite"])

MOST = 1000


@dataclass
class Rig:
    world: World
    lines: list[str] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)

    async def run(self, script: str, **fields: object) -> EndedExecution:
        job_type = JobType.model_validate({"name": "sphinx", "command": ("sh", "-c", script), **fields})
        asked = order()
        work = Work(await accept(self.world.ledger, asked), asked, job_type, None)
        ended = await carry_out(self.world.reporter, work, idle_callbacks(self.lines, self.progress.append))
        assert ended is not None
        return ended

    @property
    def notices(self) -> list[str]:
        return [line for line in self.lines if line.endswith(" lines left out")]

    async def descriptions(self) -> list[str]:
        async with self.world.ledger.transaction() as session:
            return list((await session.exec(select(StatusReport.description).order_by(col(StatusReport.id)))).all())


@pytest.fixture
def rig(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Rig(world)


PATTERNS = [{"progress": "{done} of {total} pages", "as": "pages translated"}, {"count": "WARN", "as": "warnings"}]


async def test_a_success_shows_its_summary(rig: Rig) -> None:
    ended = await rig.run("echo 'Processing 12 of 40 pages'; echo WARN", patterns=PATTERNS)
    assert ended.summary.endswith(" s: 12 of 40 pages translated, 1 warning")
    assert (await rig.descriptions())[-1] == ended.summary
    assert rig.progress == [Progress(12, 40)]


async def test_a_failure_shows_its_first_error_however_much_output_follows(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of-the-jobs-own")
    script = 'echo "page.md: broken in $PWD/page.md with $A_SECRET"; seq 2000; echo "Error: late"; seq 100; exit 1'
    ended = await rig.run(script, env=["A_SECRET"], patterns=[{"error": "broken"}])
    assert ended.summary == "exit code 1: page.md: broken in page.md with ***"


@pytest.mark.parametrize("shown_of_it", range(1, 8))
async def test_a_secret_that_stands_across_the_cut_of_a_line_shows_in_no_part(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, shown_of_it: int
) -> None:
    monkeypatch.setenv("A_SECRET", "QRSTUVWXYZ")
    before = MAX_LINE - 1 - shown_of_it
    await rig.run(f"printf '%{before}s%s, and %9000s' Error: $A_SECRET .", env=["A_SECRET"])
    assert [line for line in rig.lines if set(line) & set("QRSTUVWXYZ")] == []
    assert [len(line) <= MAX_LINE for line in rig.lines] == [True]


async def test_control_sequences_are_shown_nowhere(rig: Rig) -> None:
    hostile = "\x1b]0;title\a\x1b[2JError: \x1b]8;;https://evil.example\x1b\\bad\x1b]8;;\a \u202elink\x9b 31m\b"
    ended = await rig.run(f"printf %s '{hostile}'; exit 1")
    assert rig.lines == ["Error: bad link 31m"]
    assert ended.summary == "exit code 1: Error: bad link 31m"


async def test_a_secret_that_its_name_on_the_line_before_gives_away_is_hidden(rig: Rig) -> None:
    ended = await rig.run("echo 'Error: Authorization:'; echo 'Basic dXNlcjpwYXNzd29yZA=='; exit 1")
    assert "dXNlcj" not in ended.summary


async def test_without_a_pattern_the_first_error_is_shown(rig: Rig) -> None:
    ended = await rig.run("echo 'Error: early'; seq 2000; echo 'Error: late'; exit 1")
    assert ended.summary == "exit code 1: Error: early"


async def test_of_a_hundred_thousand_lines_at_most_a_thousand_are_sent_with_one_notice_and_all_are_understood(
    rig: Rig,
) -> None:
    flood = {"command": ["sh", "-c", "seq 20000"]}
    script = "seq 99998 | sed 's/$/ of 99998 pages/'; echo bye"
    ended = await rig.run(script, prepare=[flood, flood], patterns=PATTERNS)
    assert ended.summary.endswith("99998 pages translated")
    assert len(rig.progress) == 99_998
    assert len(rig.lines) <= MOST
    assert len(rig.notices) == 1
    missing = int(rig.notices[0].split()[1].replace(",", ""))
    assert missing + len(rig.lines) - 1 == 40_000 + 99_999
    assert rig.lines[-50:] == [*(f"{n} of 99998 pages" for n in range(99_950, 99_999)), "bye"]


async def test_the_last_lines_and_first_error_of_a_failed_preparation_are_shown(rig: Rig) -> None:
    flood = {"command": ["sh", "-c", "echo 'npm ERR! fatal: no lock'; seq 5000; exit 1"]}
    ended = await rig.run("echo never", prepare=[flood])
    assert ended.summary == "preparation failed: sh: exit code 1: npm ERR! fatal: no lock"
    assert rig.lines[-50:] == [str(number) for number in range(4951, 5001)]
    assert len(rig.notices) == 1


async def test_the_last_lines_and_summary_of_a_stopped_job_are_shown(rig: Rig) -> None:
    script, last = "seq 5000 | sed 's/$/ of 9999 pages/'; sleep 60", "5000 of 9999 pages"
    for limit in (1, 30):  # a loaded machine may need the longer one for all those lines
        ended = await rig.run(script, timeout=limit, patterns=PATTERNS)
        if rig.lines[-1] == last:
            break
    assert ended.state is JobState.TIMED_OUT
    assert ended.summary == f"stopped after its time limit of {limit} s: 5000 of 9999 pages translated"
    assert rig.lines[-1] == last


async def test_a_real_sphinx_is_understood(rig: Rig) -> None:
    script = f"""
        mkdir docs; touch docs/conf.py; printf 'Book\\n====\\n\\n:doc:`nope`\\n' > docs/index.rst
        printf 'A\\n=\\n' > docs/a.rst
        {sys.executable} -m sphinx -b dummy $1 docs out
    """
    ended = await rig.run(script, recognise=["sphinx"])
    assert ended.state is JobState.SUCCEEDED
    assert ended.summary.endswith(" s: 2 warnings, 2 pages")
    assert [progress.percent for progress in rig.progress] == [50, 100, 50, 100]
    failed = await rig.run(script.replace("$1", "-W"), recognise=["sphinx"])
    told = "checking consistency... docs/a.rst: WARNING: document isn't included in any toctree"
    assert failed.summary.startswith(f"exit code 1: {told}")
