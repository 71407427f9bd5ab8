"""Outputs of real tools, with what a reader finds in them: tests/support/data/outputs, a file for each tool.

Each begins with lines such as `%% error: …`. They were recorded from the version that `source` names, or are published
where it says, with neutral paths, without blanks at line ends, and without most lines of stack traces.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from domain.output.parser import OutputParser
from domain.output.presets import PRESETS
from domain.output.summary import summarise
from domain.process.ended_by import EndedBy
from domain.redact import public
from domain.text import one_line
from tasks.process.output_lines import Output

FOLDER = Path(__file__).with_name("data") / "outputs"
ROOT = "/srv/site"
FOLDERS = ("home", "opt", "srv", "usr")


@dataclass(frozen=True, slots=True)
class Recorded:
    """An output, and the right reading: percentages, counts, and part of the error, which is empty after a success."""

    tool: str
    title: str
    exit_code: int
    progress: str
    counts: str
    error: str
    output: str

    def __str__(self) -> str:
        return f"{self.tool}: {self.title}"

    def readings(self) -> dict[str, tuple[str, bool]]:
        """What is read of it, by kind, and whether that is right; without what is rightly not there."""
        parsed = OutputParser(PRESETS.get(self.tool, ()))
        lines = Output()
        seen = [parsed.take(line) for line in (*lines.take(self.output.encode()), *lines.close())]
        progress = " ".join(str(round(one.percent)) for one in seen if one)
        found = {
            "progress": (progress, progress == self.progress),
            "counts": (parsed.counts, parsed.counts == self.counts),
        }
        told = {kind: (read, is_right) for kind, (read, is_right) in found.items() if read or not is_right}
        if self.exit_code and self.error:
            said = self._summary(parsed)
            told["first error"] = (said, self.error in said)
        return told

    def _summary(self, parsed: OutputParser) -> str:
        """The description of its status."""
        return summarise(
            EndedBy.EXITED,
            exit_code=self.exit_code,
            signal=None,
            error_line=one_line(public(" ".join(parsed.error_line), roots=[ROOT], folders=FOLDERS)),
            counts=parsed.counts,
            elapsed=timedelta(seconds=12),
            timeout=timedelta(minutes=5),
        )


def recorded_outputs() -> list[Recorded]:
    """All of them, tool by tool."""
    return [one for file in sorted(FOLDER.glob("*.txt")) for one in _outputs_in(file)]


def _outputs_in(file: Path) -> list[Recorded]:
    blocks = re.split(r"(?m)^%% (?=.*\n%% source: )", file.read_text(encoding="utf-8"))[1:]
    return [_read(file.stem, block) for block in blocks]


def _read(tool: str, block: str) -> Recorded:
    title, rest = block.split("\n", 1)
    fields = dict(re.findall(r"(?m)^%% ([a-z ]+):[ ]?(.*)$", rest))
    output = re.sub(r"(?m)^%% .*\n", "", rest)
    code = int(fields["exit code"])
    return Recorded(tool, title, code, fields["progress"], fields["counts"], fields.get("error", ""), output)
