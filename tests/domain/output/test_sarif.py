"""What is read from SARIF files, as linters write them, and what is refused."""

import json
from typing import Any

import pytest

from domain.output.findings import Finding, Level
from domain.output.sarif import BadSarif, findings_in

RULES = [
    {"id": "MD013", "defaultConfiguration": {"level": "note"}, "messageStrings": {"long": {"text": "{0} over {1}"}}},
    {"id": "MD022", "defaultConfiguration": {"level": "error"}},
]


def at(uri: str | None = "docs/a.md", start: object = 3, end: object = None, **artifact: object) -> dict[str, Any]:
    region = {"startLine": start} | ({"endLine": end} if end is not None else {})
    named = ({"uri": uri} if uri is not None else {}) | artifact
    return {"locations": [{"physicalLocation": {"artifactLocation": named, "region": region}}]}


def sarif(*results: dict[str, Any], **run: object) -> bytes:
    tool = {"driver": {"name": "lint", "rules": RULES}}
    return json.dumps({"version": "2.1.0", "runs": [{"tool": tool, "results": results, **run}]}).encode()


def read(result: dict[str, Any], **run: object) -> Finding:
    (found,) = findings_in(sarif({"message": {"text": "said"}, **result}, **run))
    return found


def test_a_result_has_place_level_message_and_rule() -> None:
    found = read({"ruleId": "MD001", "level": "error", **at(end=5)})
    assert found == Finding("docs/a.md", 3, Level.FAILURE, "said", end_line=5, title="MD001")


@pytest.mark.parametrize(
    ("result", "level"),
    [
        ({"level": "error"}, "failure"), ({"level": "warning"}, "warning"), ({"level": "note"}, "notice"),
        ({"level": "none"}, "notice"), ({}, "warning"), ({"ruleId": "MD013"}, "notice"), ({"ruleIndex": 1}, "failure"),
        ({"rule": {"index": 1}}, "failure"), ({"rule": {"id": "MD013"}}, "notice"), ({"ruleId": "unknown"}, "warning"),
        ({"ruleIndex": 7}, "warning"),
    ],
)  # fmt: skip
def test_a_level_is_the_results_or_its_rules(result: dict[str, Any], level: str) -> None:
    assert read(result).level.value == level


def test_a_message_may_be_its_rules_with_arguments() -> None:
    message = {"id": "long", "arguments": ["90", "80 {0}"]}
    assert read({"ruleId": "MD013", "message": message}).message == "90 over 80 {0}"
    assert read({"ruleId": "MD013", "message": {"id": "gone"}}).message == "MD013"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (at("docs/a.md", uriBaseId="%SRCROOT%"), "docs/a.md"),
        (at("docs/a%20b%C3%A9.md"), "docs/a bé.md"),
        (at("file:///srv/copy/docs/a.md"), "/srv/copy/docs/a.md"),
        (at("a.md", uriBaseId="DOCS"), "/srv/copy/docs/a.md"),
        (at("a.md", uriBaseId="UNKNOWN"), "a.md"),
        (at(None, index=0), "docs/indexed.md"),
        (at("https://x.test/a.md"), ""),
        (at("file://[a.md"), ""),
        ({}, ""),
    ],
)
def test_a_path_is_that_of_the_artifact(location: dict[str, Any], path: str) -> None:
    bases = {"DOCS": {"uri": "file:///srv/copy/docs"}, "%SRCROOT%": {"uri": "file:///elsewhere/"}}
    artifacts = [{"location": {"uri": "docs/indexed.md"}}]
    assert read(location, originalUriBaseIds=bases, artifacts=artifacts).path == path


@pytest.mark.parametrize("line", [0, -1, None, "3", 1.5, True, 10**12])
def test_a_line_that_makes_no_sense_is_none(line: object) -> None:
    assert read(at(start=line)).line is None


@pytest.mark.parametrize(
    "result",
    [{"kind": "pass"}, {"kind": "notApplicable"}, {"suppressions": [{"kind": "inSource"}]}],
)
def test_what_is_no_fault_or_suppressed_is_left_out(result: dict[str, Any]) -> None:
    assert findings_in(sarif({"message": {"text": "said"}, **result})) == ()


def test_a_suppression_that_was_rejected_suppresses_nothing() -> None:
    assert read({"suppressions": [{"kind": "external", "status": "rejected"}]}).message == "said"


def test_several_runs_and_none_are_read_in_order() -> None:
    runs = [{"results": [{"message": {"text": text}}]} for text in "ab"] + [{"results": None}, {}]
    log = json.dumps({"version": "2.1.0", "runs": runs}).encode()
    assert [one.message for one in findings_in(b"\xef\xbb\xbf" + log)] == ["a", "b"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"\xff\xfe", b'{"version": "2.0.0", "runs": []}', b'{"version": "2.1.0"}',
        sarif({"message": "said"}), sarif({"message": {"text": "s"}, "locations": 3}), b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_sarif_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(BadSarif) as refused:
        findings_in(content)
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) <= 500
