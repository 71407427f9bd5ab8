"""The outputs of real tools are read as a person reads them, to a share that the documentation states."""

from collections.abc import Iterator

import pytest
from documents import table
from processes import ROOT
from recorded_outputs import FOLDER, Recorded, recorded_outputs

PAGE = ROOT / "docs" / "outputs.md"
KINDS = ("progress", "counts", "first error")
WRONG = {"redocly: findings": {"first error"}}
"""What is not read rightly: the finding is below the line that names its place."""

OUTPUTS = recorded_outputs()


@pytest.mark.parametrize("recorded", OUTPUTS, ids=str)
def test_an_output_is_read_as_a_person_reads_it(recorded: Recorded) -> None:
    wrong = {kind: read for kind, (read, is_right) in recorded.readings().items() if not is_right}
    assert set(wrong) == WRONG.get(str(recorded), set()), wrong


def rows() -> Iterator[str]:
    """The table of the documentation: right readings of all, for each tool and kind."""
    yield "| tool | outputs | progress | counts | first error |"
    yield "| --- | --- | --- | --- | --- |"
    for tool in dict.fromkeys(one.tool for one in OUTPUTS):
        yield _row(tool, [one for one in OUTPUTS if one.tool == tool])
    yield _row("all", OUTPUTS)


def _row(name: str, outputs: list[Recorded]) -> str:
    readings = [one.readings() for one in outputs]
    cells = []
    for kind in KINDS:
        right = [of_one[kind][1] for of_one in readings if kind in of_one]
        cells.append(f"{sum(right)} of {len(right)}" if right else "none")
    return f"| {name} | {len(outputs)} | {' | '.join(cells)} |"


def test_the_documentation_states_the_share_of_right_readings() -> None:
    assert table(PAGE, "How well") == list(rows())


def test_each_output_names_where_it_is_from() -> None:
    for file in FOLDER.glob("*.txt"):
        text = file.read_text(encoding="utf-8")
        assert text.count("\n%% source: recorded, ") + text.count("\n%% source: https://") == text.count(
            "%% exit code:"
        )
