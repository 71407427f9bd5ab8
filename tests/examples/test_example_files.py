"""The folders in examples/ are complete, and contain no address of a package registry."""

import json
import re

import pytest
from example_files import EXAMPLES, sources, types_of

NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/jobs.toml"))
REQUIREMENT = re.compile(r"^[a-z0-9.-]+==[^\s;]+( ; .+?)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", re.MULTILINE)
COMMENT = re.compile(r"^ *#.*\n", re.MULTILINE)


def test_these_are_the_examples() -> None:
    assert NAMES == ["comapeo", "command", "docusaurus", "mkdocs", "sphinx"]


@pytest.mark.parametrize("name", NAMES)
def test_each_says_how_to_run_each_job_and_has_the_files_that_its_cache_is_kept_by(name: str) -> None:
    said = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    assert "reportback submit " in said
    for job_type in types_of(name).values():
        assert job_type.prepare[0].cache is not None
        for key in job_type.prepare[0].cache.key:
            assert (EXAMPLES / name / key).is_file() or name == "comapeo"  # its sources are elsewhere


@pytest.mark.parametrize("name", ["mkdocs", "sphinx"])
def test_every_requirement_is_locked_by_hash_and_from_no_address(name: str) -> None:
    locked = (EXAMPLES / name / "requirements.txt").read_text(encoding="utf-8")
    assert COMMENT.sub("", REQUIREMENT.sub("", locked)) == ""


def test_every_package_is_locked_by_hash_and_from_no_address() -> None:
    locked = json.loads((EXAMPLES / "docusaurus" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    packages = {name: one for name, one in locked.items() if name}
    assert all("integrity" in one and "resolved" not in one for one in packages.values())


@pytest.mark.parametrize("name", NAMES)
def test_no_file_names_a_registry(name: str) -> None:
    for file, text in sources(EXAMPLES / name).items():
        assert not re.search(r"https?://(registry|pypi|files\.pythonhosted)\b|--index-url|--find-links", text), file
