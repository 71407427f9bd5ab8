"""The files and lines that findings are about, in a working copy that a job may have filled with anything."""

import os
from pathlib import Path

import pytest

from domain.output.findings import Finding, Level
from tasks.jobs import locate_findings
from tasks.jobs.locate_findings import located

TWO = """def turn(): ...
size = 1
class A:
    size: int
    def turn(self): ...
class B:
    async def turn(self): ...
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name, text in {
        "docs/index.md": "# A\n\nsee [b](./nowhere.md)\n",
        "docs/guide/index.md": "one\n",
        "docs/build/page.mdx": "[x](../x)\n",
        "index.md": "a readme\n",
        "pkg/part.py": "import re\n\nclass Part:\n    def turn(self):\n        '''turn'''\n",
        "pkg/two.py": TWO,
        "node_modules/x/docs/only.md": "x",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def found(copy: Path, path: str, line: int | None = None, quotes: str = "") -> str:
    (one,) = located([Finding(path, line, Level.WARNING, "said", quotes)], copy)
    return f"{one.path}:{one.line}"


@pytest.mark.parametrize(
    ("path", "line", "quotes", "place"),
    [
        ("docs/index.md", 3, "", "docs/index.md:3"),
        ("{copy}/docs/index.md", 2, "", "docs/index.md:2"),
        ("file://{copy}/docs/index.md", 2, "", "docs/index.md:2"),
        ("./docs/../docs/index.md", 3, "", "docs/index.md:3"),
        ("index.md", 1, "", "index.md:1"),
        ("index.md", None, "./nowhere.md", "docs/index.md:3"),
        ("index.md", None, "not there", "index.md:1"),
        ("guide/index.md", None, "", "docs/guide/index.md:1"),
        ("docs/index.md", 99, "", "docs/index.md:3"),
        ("docs/index.md", 0, "", "docs/index.md:1"),
        ("/docs/guide", None, "", "docs/guide/index.md:1"),
        ("/docs/guide/", None, "", "docs/guide/index.md:1"),
        ("/my-site/docs/build/page", None, "../x", "docs/build/page.mdx:1"),
        ("pkg/part.py", None, "turn", "pkg/part.py:4"),
        ("pkg/part.py", None, "Part", "pkg/part.py:3"),
        ("pkg/two.py", None, "pkg.two.turn", "pkg/two.py:1"),
        ("pkg/two.py", None, "pkg.two.size", "pkg/two.py:2"),
        ("pkg/two.py", None, "pkg.two.A.size", "pkg/two.py:4"),
        ("pkg/two.py", None, "pkg.two.A.turn", "pkg/two.py:5"),
        ("pkg/two.py", None, "pkg.two.B.turn", "pkg/two.py:7"),
        ("pkg/two.py", None, "pkg.two.B.inherited", "pkg/two.py:6"),
        ("pkg/two.py", None, "pkg.two.gone", "pkg/two.py:1"),
    ],
)
def test_the_place_of_a_finding(copy: Path, path: str, line: int | None, quotes: str, place: str) -> None:
    assert found(copy, path.format(copy=copy), line, quotes) == place


@pytest.mark.parametrize("path", ["gone.md", "/etc/passwd", "../../etc/passwd", "/docs/none", "only.md", "docs", ""])
def test_what_is_not_in_the_working_copy_has_no_place_and_is_named(copy: Path, path: str) -> None:
    (one,) = located([Finding(path, 3, Level.WARNING, "said")], copy)
    assert (one.path, one.line) == ("", None)
    assert one.message.endswith("said")
    assert Path(path).name in one.message


def test_nothing_is_read_through_a_link_or_from_a_pipe(copy: Path, tmp_path: Path) -> None:
    secret = tmp_path.parent / "secret"
    secret.write_text("1\n2\nwanted\n")
    (copy / "link.md").symlink_to(secret)
    (copy / "folder").symlink_to(tmp_path.parent)
    os.mkfifo(copy / "pipe.md")
    assert found(copy, "link.md", None, "wanted") == "link.md:1"
    assert found(copy, "pipe.md", 3) == "pipe.md:1"
    assert found(copy, "folder/secret", 3) == ":None"


def test_a_large_file_is_not_searched(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate_findings, "LARGEST", 10)
    assert found(copy, "docs/index.md", None, "./nowhere.md") == "docs/index.md:1"


def test_two_words_for_one_place_are_one_finding(copy: Path) -> None:
    several = [Finding(path, 3, Level.WARNING, "said") for path in ("docs/index.md", f"{copy}/docs/index.md")]
    assert len(located(several, copy)) == 1


def test_a_search_that_is_stopped_places_nothing(copy: Path) -> None:
    (one,) = located([Finding("docs/index.md", 3, Level.WARNING, "said")], copy, lambda: True)
    assert (one.path, one.message) == ("", "index.md: said")


def test_after_a_stop_findings_are_only_what_was_printed(copy: Path) -> None:
    stops = iter((False, False, False, False, False, False))
    several = [Finding("docs/index.md", line, Level.WARNING, "said") for line in (1, 2, 3)]
    paths = [one.path for one in located(several, copy, lambda: next(stops, True))]
    assert (paths[0], paths[-1]) == ("docs/index.md", "")


def test_the_last_of_several_lines_is_in_the_file(copy: Path) -> None:
    for end, at in ((2, 2), (99, 3), (None, None)):
        (one,) = located([Finding("docs/index.md", 2, Level.WARNING, "said", end_line=end)], copy)
        assert (one.line, one.end_line) == (2, at)


def test_only_so_many_files_are_kept_in_memory(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate_findings, "FILES_KEPT", 1)
    several = [Finding(path, 99, Level.WARNING, "said") for path in ("docs/index.md", "pkg/part.py") * 2]
    assert [one.line for one in located(several, copy)] == [3, 5]
