"""A job's output: the lines that are logged, its progress, and the description of its status."""

import sys
import tempfile
from pathlib import Path

import pytest
from executions import Executions
from world import World

from domain.jobs.job_states import JobState
from domain.output.progress import Progress
from tasks.process.output_lines import MAX_LINE

pytestmark = pytest.mark.parametrize("database", ["sqlite"])

MOST = 1000


def notices(rig: Executions) -> list[str]:
    return [line for line in rig.lines if line.endswith(" lines left out")]


@pytest.fixture
def rig(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Executions:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Executions(world)


PATTERNS = [{"progress": "{done} of {total} pages", "as": "pages translated"}, {"count": "WARN", "as": "warnings"}]


async def test_a_success_shows_its_summary(rig: Executions) -> None:
    ended = await rig.run("echo 'Processing 12 of 40 pages'; echo WARN", patterns=PATTERNS)
    assert ended.summary.endswith(" s: 12 of 40 pages translated, 1 warning")
    assert (await rig.reports())[-1] == ("success", ended.summary)
    assert rig.progress == [Progress(12, 40)]


async def test_a_progress_bar_moves_the_bar_and_is_one_line(rig: Executions) -> None:
    draw = "for n in 1 2 3 4; do printf '\\rProgress: %s/4' $n; sleep 0.3; done; echo; echo bye"
    await rig.run(draw)
    assert rig.lines == ["Progress: 4/4", "bye"]
    assert rig.progress[-1] == Progress(4, 4)
    assert len(rig.progress) > 1


async def test_the_end_of_the_preparations_is_told_once_before_the_commands_output(rig: Executions) -> None:
    step = {"command": ["echo", "installed"]}
    work = await rig.accept("echo built", prepare=[step, step])
    ended = await rig.carry_out(work, on_prepared=lambda: rig.lines.append("--"))
    assert ended
    assert rig.lines == ["installed", "installed", "--", "built"]


async def test_a_module_that_is_not_installed_is_named_before_anything_runs(rig: Executions) -> None:
    python = "cannot start 'python -m no_such_tool.main': no_such_tool is not installed where the worker runs"
    ended = await rig.run(["python", "-m", "no_such_tool.main", "build"])
    assert (ended.state, ended.summary.partition(";")[0]) == (JobState.CRASHED, python)


async def test_a_failure_shows_its_first_error_however_much_output_follows(
    rig: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of-the-jobs-own")
    script = 'echo "page.md: broken in $PWD/page.md with $A_SECRET"; seq 2000; echo "Error: late"; seq 100; exit 1'
    ended = await rig.run(script, env=["A_SECRET"], patterns=[{"error": "broken"}])
    assert ended.summary == "exit code 1: page.md: broken in page.md with ***"


@pytest.mark.parametrize("shown_of_it", range(1, 8))
async def test_a_secret_that_stands_across_the_cut_of_a_line_shows_in_no_part(
    rig: Executions, monkeypatch: pytest.MonkeyPatch, shown_of_it: int
) -> None:
    monkeypatch.setenv("A_SECRET", "QRSTUVWXYZ")
    before = MAX_LINE - 1 - shown_of_it
    await rig.run(f"printf '%{before}s%s, and %9000s' Error: $A_SECRET .", env=["A_SECRET"])
    assert [line for line in rig.lines if set(line) & set("QRSTUVWXYZ")] == []
    assert [len(line) <= MAX_LINE for line in rig.lines] == [True]


async def test_control_sequences_are_shown_nowhere(rig: Executions) -> None:
    hostile = "\x1b]0;title\a\x1b[2JError: \x1b]8;;https://evil.example\x1b\\bad\x1b]8;;\a \u202elink\x9b 31m\b"
    ended = await rig.run(f"printf %s '{hostile}'; exit 1")
    assert rig.lines == ["Error: bad link 31m"]
    assert ended.summary == "exit code 1: Error: bad link 31m"


async def test_a_secret_that_its_name_on_the_line_before_gives_away_is_hidden(rig: Executions) -> None:
    ended = await rig.run("echo 'Error: Authorization:'; echo 'Basic dXNlcjpwYXNzd29yZA=='; exit 1")
    assert "dXNlcj" not in ended.summary


async def test_without_a_pattern_the_first_error_is_shown(rig: Executions) -> None:
    ended = await rig.run("echo 'Error: early'; seq 2000; echo 'Error: late'; exit 1")
    assert ended.summary == "exit code 1: Error: early"


async def test_of_a_hundred_thousand_lines_at_most_a_thousand_are_sent_with_one_notice_and_all_are_understood(
    rig: Executions,
) -> None:
    flood = {"command": ["sh", "-c", "seq 20000"]}
    script = "seq 99998 | sed 's/$/ of 99998 pages/'; echo bye"
    ended = await rig.run(script, prepare=[flood, flood], patterns=PATTERNS)
    assert ended.summary.endswith("99998 pages translated")
    assert len(rig.progress) == 99_998
    assert len(rig.lines) <= MOST
    assert len(notices(rig)) == 1
    missing = int(notices(rig)[0].split()[1].replace(",", ""))
    assert missing + len(rig.lines) - 1 == 40_000 + 99_999
    assert rig.lines[-50:] == [*(f"{n} of 99998 pages" for n in range(99_950, 99_999)), "bye"]


async def test_the_last_lines_and_first_error_of_a_failed_preparation_are_shown(rig: Executions) -> None:
    flood = {"command": ["sh", "-c", "echo 'npm ERR! fatal: no lock'; seq 5000; exit 1"]}
    ended = await rig.run("echo never", prepare=[flood])
    assert ended.summary == "preparation failed: sh: exit code 1: npm ERR! fatal: no lock"
    assert rig.lines[-50:] == [str(number) for number in range(4951, 5001)]
    assert len(notices(rig)) == 1


async def test_the_last_lines_and_summary_of_a_stopped_job_are_shown(rig: Executions) -> None:
    script, last = "seq 5000 | sed 's/$/ of 9999 pages/'; sleep 60", "5000 of 9999 pages"
    for limit in (1, 30):  # a loaded machine may need the longer one for all those lines
        ended = await rig.run(script, timeout=limit, patterns=PATTERNS)
        if rig.lines[-1] == last:
            break
    assert ended.state is JobState.TIMED_OUT
    assert ended.summary == f"stopped after its time limit of {limit} s: 5000 of 9999 pages translated"
    assert rig.lines[-1] == last


async def test_a_real_sphinx_is_understood(rig: Executions) -> None:
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
