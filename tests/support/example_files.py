"""The folders of examples/, as files."""

import subprocess
from pathlib import Path

from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import parse_job_types

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def types_of(name: str) -> dict[str, JobType]:
    """The job types of an example."""
    file = EXAMPLES / name / "jobs.toml"
    return parse_job_types(file.read_text(encoding="utf-8"), f"{name}/{file.name}")


def sources(folder: Path) -> dict[str, str]:
    """The files of *folder* that git would take, for `Origin.commit`."""
    listed = ["git", "-C", str(folder), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.splitlines()
    return {
        name.replace("/", "__").replace(".", "_"): (folder / name).read_text(encoding="utf-8") for name in sorted(names)
    }
