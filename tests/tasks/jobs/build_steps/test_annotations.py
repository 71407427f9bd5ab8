"""What a job's command says of lines, and writes as SARIF, becomes annotations of its commit's files."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from build_rig import TOKEN, BuildRig
from executions import Executions, ended_of
from ledger_jobs import order
from repositories import git

from domain.jobs.job_states import JobState
from tasks.jobs import collect_findings
from tasks.jobs.execution_spec import Found

SARIF = "build/lint.sarif"


def result(uri: str = "docs/page.md", line: int = 1, text: str = "said", **fields: object) -> dict[str, Any]:
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}
    return {"ruleId": "R1", "message": {"text": text}, "locations": [place], **fields}


def writing(*results: dict[str, Any], to: str = SARIF) -> str:
    """A command that writes *results* as SARIF."""
    log = json.dumps({"version": "2.1.0", "runs": [{"results": results}]})
    return f"mkdir -p {os.path.dirname(to) or '.'}; cat > {to} <<'EOF'\n{log}\nEOF\n"  # noqa: PTH120  # of a script


def places(found: Found) -> list[str]:
    return [f"{one.path}:{one.start_line}" for one in found.annotations]


def saying(*places: str) -> str:
    return "\n".join(f"echo '{place}: warning: {number}'" for number, place in enumerate(places))


async def compared(rig: BuildRig, command: str, *, since: str = "", **fields: object) -> Found:
    """What a job finds whose request says since which commit it is."""
    executions = Executions(rig.world, rig.lines)
    work = await executions.accept(command, order(sha=rig.origin.head("main") or ""), **fields)
    return ended_of(await executions.carry_out(replace(rig.kept(work), since=since))).found


async def test_a_sarif_file_says_more_than_the_output(rig: BuildRig) -> None:
    rig.origin.commit("main", docs__page_md="one\ntwo\nthree\n")
    command = writing(result(line=2), result(line=3, level="error", text="worse")) + saying("docs/page.md:1")
    found = (await rig.run(command, findings=SARIF)).found
    assert [(one.path, one.start_line, one.level, one.message, one.title) for one in found.annotations] == [
        ("docs/page.md", 3, "failure", "worse", "R1"),
        ("docs/page.md", 2, "warning", "said", "R1"),
        ("docs/page.md", 1, "warning", "0", ""),
    ]
    assert found.rest == ()
    assert [one.line for one in found.findings] == [2, 3, 1]
    assert [one.line for one in found.ordered] == [3, 2, 1]


async def test_words_and_titles_are_redacted(rig: BuildRig) -> None:
    written = writing(result(text=f"see {TOKEN}\nat", ruleId=f"R {TOKEN}"))
    push = {"branch": "main", "paths": ["docs"], "credential": "env:PUSH", "author": "D <d@example.com>"}
    (one,) = (await rig.run(written, findings=[SARIF], push=push)).found.annotations
    assert (one.message, one.title) == ("see *** at", "R ***")


async def test_only_files_of_the_commit_are_annotated_whatever_the_job_does_to_its_repository(rig: BuildRig) -> None:
    command = "echo built > docs/generated.md; echo broken > .git/config; rm -rf .git/objects\n"
    found = (await rig.run(command + saying("docs/generated.md:1", "docs/page.md:1"))).found
    assert places(found) == ["docs/page.md:1"]
    assert [(one.path, one.line) for one in found.rest] == [("docs/generated.md", 1)]


async def test_files_of_a_submodule_are_left_to_the_summary(rig: BuildRig, tmp_path: Path) -> None:
    desk = tmp_path / "desk"
    git(desk, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", rig.origin.url, "sub")
    git(desk, "commit", "-qm", "a submodule")
    git(desk, "push", "-q", "origin", "HEAD:main")
    command = "mkdir -p sub/docs; echo x > sub/docs/page.md\n" + saying("sub/docs/page.md:1", "docs/page.md:1")
    found = (await rig.run(command)).found
    assert places(found) == ["docs/page.md:1"]
    assert [one.path for one in found.rest] == ["sub/docs/page.md"]


async def test_what_has_changed_since_the_named_commit_comes_first(rig: BuildRig) -> None:
    since = rig.origin.commit("main", docs__b_md="b")
    rig.origin.commit("main", docs__c_md="c")
    rig.origin.commit("main", docs__d_md="d")
    command = saying(*(f"docs/{name}.md:1" for name in ("page", "b", "c", "d")))
    found = await compared(rig, command, since=since, annotations=2)
    assert places(found) == ["docs/c.md:1", "docs/d.md:1"]
    with_paths = await compared(rig, command, since=since, annotations=2, paths=["docs/**"])
    assert places(with_paths) == places(found)


async def test_without_such_a_commit_it_is_the_parent_where_that_was_fetched(rig: BuildRig) -> None:
    rig.origin.commit("main", docs__c_md="c")
    command = saying("docs/page.md:1", "docs/c.md:1")
    alone = (await rig.run(command, annotations=1)).found
    assert places(alone) == ["docs/page.md:1"]
    found = (await rig.run(command, annotations=1, checkout={"history": 2})).found
    assert places(found) == ["docs/c.md:1"]
    assert [one.path for one in found.rest] == ["docs/page.md"]


async def test_a_comparison_that_fails_changes_no_order_and_no_outcome(rig: BuildRig) -> None:
    rig.origin.commit("main", docs__c_md="c")
    found = await compared(rig, saying("docs/page.md:1", "docs/c.md:1"), since="1" * 40, annotations=1)
    assert places(found) == ["docs/page.md:1"]


async def test_nothing_is_compared_where_all_is_annotated(rig: BuildRig, monkeypatch: pytest.MonkeyPatch) -> None:
    since = rig.origin.head("main") or ""
    rig.origin.commit("main", docs__c_md="c")
    monkeypatch.setattr(collect_findings, "compared", None)
    found = await compared(rig, saying("docs/page.md:1", "docs/c.md:1"), since=since)
    assert places(found) == ["docs/page.md:1", "docs/c.md:1"]


BROKEN = [
    ("true", "no such file or directory"),
    (f"mkdir -p {SARIF}", "is a directory"),
    (f"mkdir build; mkfifo {SARIF}", "it is no file"),
    (f"mkdir build; echo '[' > {SARIF}", "EOF while parsing"),
    (f"mkdir build; ln -s lint.sarif {SARIF}", "too many levels of symbolic links"),
    (f"mkdir build; ln -s /etc/passwd {SARIF}", "it is not in the working copy"),
    ("ln -s /etc build", "no such file or directory"),
    (f"mkdir build; head -c 9000000 /dev/zero > {SARIF}", "it is larger than 8 MiB"),
]


@pytest.mark.parametrize(("command", "why"), BROKEN)
async def test_a_broken_file_is_one_line_in_the_log_and_no_failure(rig: BuildRig, command: str, why: str) -> None:
    ended = await rig.run(f"{command}\n{saying('docs/page.md:1')}", findings=SARIF)
    assert ended.state is JobState.SUCCEEDED
    assert places(ended.found) == ["docs/page.md:1"]
    (line,) = [line for line in rig.lines if "lint.sarif" in line]
    assert line.startswith(f"Reportback: findings: {SARIF} is not used: ")
    assert why in line


async def test_one_broken_file_does_not_keep_another_from_being_read(rig: BuildRig) -> None:
    found = (await rig.run(writing(result()), findings=["gone.sarif", SARIF])).found
    assert places(found) == ["docs/page.md:1"]


async def test_a_job_without_a_target_annotates_nothing(rig: BuildRig) -> None:
    ended = await Executions(rig.world, rig.lines).run(
        "echo x > a.md; echo 'a.md:1: warning: said'", replace(order(), target=None)
    )
    assert ended.found.annotations == ()
    assert [one.path for one in ended.found.rest] == ["a.md"]
