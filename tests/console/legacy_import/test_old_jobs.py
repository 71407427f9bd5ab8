"""Job files of the old system: the fields that are read, and those that never are."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from console.legacy_import.old_jobs import OldJob, jobs_in
from domain.delivery.target import Target
from domain.jobs.job_states import JobState

SHA = "3f2a91c0" * 5
TOKEN = "ghp_canary00000000000000000000000000000000"


def written(**fields: Any) -> dict[str, Any]:  # noqa: ANN401  # whatever JSON holds
    """A job as the old system wrote it: finished, unreported."""
    github = {"owner": "acme", "repo": "site", "sha": SHA, "token": TOKEN, "context": "docs/fetch"}
    job = {
        "id": "1732400000000-ab3x9q", "type": "fetch-all", "status": "completed",
        "createdAt": "2026-11-23T10:00:00.000Z", "completedAt": "2026-11-23T10:03:05.000Z",
        "result": {"success": True, "output": "41 pages"}, "github": github,
    }  # fmt: skip
    return job | fields


def github(**fields: Any) -> dict[str, Any]:  # noqa: ANN401  # whatever JSON holds
    """Where it reports, with other fields."""
    return {**written()["github"], **fields}


def read(document: object) -> list[OldJob]:
    return jobs_in(json.dumps(document), "jobs.json")[0]


def one(**fields: Any) -> OldJob:  # noqa: ANN401  # whatever JSON holds
    [job] = read(written(**fields))
    return job


def test_a_job_is_read_as_it_was_written() -> None:
    job = one()
    assert (job.file, job.id, job.type) == ("jobs.json", "1732400000000-ab3x9q", "fetch-all")
    assert job.target == Target("acme/site", SHA, "docs/fetch")
    assert job.created_at == datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert job.ended_at == datetime(2026, 11, 23, 10, 3, 5, tzinfo=UTC)
    assert (job.state, bool(job.is_reported), job.problem) == (JobState.SUCCEEDED, False, None)
    assert job.summary == "succeeded in 3 min 5 s"


@pytest.mark.parametrize("shape", [lambda one: one, lambda one: [one], lambda one: {"jobs": [one]}])
def test_a_file_holds_a_job_or_a_list_of_them(shape: Any) -> None:  # noqa: ANN401  # a lambda
    assert [job.id for job in read(shape(written()))] == ["1732400000000-ab3x9q"]


def test_the_same_id_at_the_same_target_makes_the_same_job() -> None:
    assert one().job_id == one(status="failed").job_id
    assert len({one().job_id, one(id="another").job_id, one(github=github(context="docs/other")).job_id}) == 3


@pytest.mark.parametrize(
    ("fields", "state", "summary"),
    [
        ({"status": "completed", "result": None}, JobState.SUCCEEDED, "succeeded in 3 min 5 s"),
        ({"status": "completed", "completedAt": None}, JobState.SUCCEEDED, "succeeded"),
        ({"status": "completed", "result": {"success": False, "error": "boom"}}, JobState.FAILED, "boom"),
        ({"status": "failed", "result": {"error": "no page 12"}}, JobState.FAILED, "no page 12"),
        ({"status": "failed", "result": {"output": "one\nError: two\nthree"}}, JobState.FAILED, "Error: two"),
        ({"status": "failed", "result": None}, JobState.FAILED, "failed"),
        ({"status": "cancelled", "result": {}}, JobState.CANCELLED, "cancelled"),
        (
            {"status": "failed", "result": {"error": "Job cancelled by user"}},
            JobState.CANCELLED,
            "Job cancelled by user",
        ),
        (
            {"status": "failed", "result": {"error": "Job lost after API server restart"}},
            JobState.CRASHED,
            "Job lost after API server restart",
        ),
        (
            {"status": "failed", "result": {"error": "Job execution timed out after 300 seconds"}},
            JobState.TIMED_OUT,
            "Job execution timed out after 300 seconds",
        ),
        ({"status": "pending"}, None, ""),
        ({"status": "running"}, None, ""),
    ],
)
def test_status_and_result_make_the_state_and_its_words(
    fields: dict[str, Any], state: JobState | None, summary: str
) -> None:
    job = one(**fields)
    assert (job.state, job.summary, job.problem) == (state, summary, None)


def test_the_words_are_fit_for_the_public() -> None:
    words = f"Error: /srv/app/secret/build.js: bad token {TOKEN} " + "😀" * 200
    said = one(status="failed", result={"error": words}).summary
    assert said.startswith("Error: …/build.js: bad token *** ??")
    assert len(said) == 140


def test_of_a_long_output_the_end_is_looked_at() -> None:
    output = "Error: long ago\n" + "x" * 30_000 + "\nthe last words\n"
    assert one(status="failed", result={"output": output}).summary == "the last words"


def test_what_is_too_short_for_a_token_spoils_no_name() -> None:
    assert one(github=github(token="doc")).target == Target("acme/site", SHA, "docs/fetch")


def test_without_a_context_it_is_the_job_types_own() -> None:
    assert one(github=github(context=None)).target == Target("acme/site", SHA, "docs/fetch-all")


@pytest.mark.parametrize("fields", [{"github": None}, {"github": ...}])
def test_a_job_may_report_nowhere(fields: dict[str, Any]) -> None:
    old = written()
    del old["github"]
    [job] = read(old | {key: value for key, value in fields.items() if value is not ...})
    assert (job.target, job.problem) == (None, None)


@pytest.mark.parametrize(
    ("fields", "field", "allowed"),
    [
        ({"github": github(sha="abc123")}, "github.sha", "[0-9a-fA-F]{40}"),
        ({"github": github(sha=None)}, "github.sha", "string"),
        ({"github": github(owner="../..")}, "github.owner, github.repo", "[A-Za-z0-9_.-]+"),
        ({"github": github(repo=7)}, "github.owner, github.repo", "string"),
        ({"github": github(context="x" * 256)}, "github.context", "255"),
        ({"github": "acme/site"}, "github", "dictionary"),
        ({"github": github(targetUrl="javascript:alert(1)")}, "github.url", "[Hh][Tt][Tt][Pp]"),
        ({"github": github(targetUrl="https://x:hunter2hunter2@docs.test/a")}, "github.url", "password"),
        ({"result": "?"}, "result", "dictionary"),
        ({"status": "exploded"}, "status", "'pending', 'running', 'completed', 'failed' or 'cancelled'"),
        ({"createdAt": "yesterday"}, "createdAt", "datetime"),
        ({"createdAt": None}, "createdAt", "datetime"),
        ({"createdAt": "2026-11-23T10:00:00"}, "createdAt", "timezone"),
        ({"completedAt": "0001-01-01T00:00:00+14:00"}, "completedAt", "1970"),
        ({"completedAt": "9999-12-31T23:59:59-14:00"}, "completedAt", "9999"),
        ({"githubStatusReported": "yes"}, "githubStatusReported", "boolean"),
        ({"id": ""}, "id", "pattern"),
        ({"id": None}, "id", "string"),
        ({"type": "x" * 101}, "type", "100 characters"),
    ],
)
def test_an_invalid_field_is_named_with_its_allowed_values_and_never_quoted(
    fields: dict[str, Any], field: str, allowed: str
) -> None:
    problem = one(**fields).problem or ""
    assert problem.startswith(field)
    assert allowed in problem
    assert not any(isinstance(value, str) and value and value in problem for value in fields.values())


def test_a_job_whose_time_cannot_be_read_may_be_the_newest_of_its_target() -> None:
    job = one(createdAt="yesterday")
    assert job.target is not None
    assert job.created_at > datetime(9000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "{", "nonsense", "[1]", "7", '"a"', "[" * 100_000, '{"id": ' + "9" * 5000 + "}", '{"jobs": {"a": 1}}'],
)
def test_a_file_that_is_no_job_file_is_recognised(text: str) -> None:
    [job], _ = jobs_in(text, "jobs.json")
    assert job.problem in ("not readable as JSON", "holds neither a job nor a list of jobs")


@pytest.mark.parametrize("depth", [200, 400, 600, 800, 1000])
def test_however_deep_a_file_is_nested_it_is_only_a_bad_one(depth: int) -> None:
    [job], _ = jobs_in('{"id": ' + "[" * depth + "]" * depth + "}", "jobs.json")
    assert job.problem


def test_an_empty_list_holds_no_job() -> None:
    assert read([]) == []


@pytest.mark.parametrize("fields", [{"id": f"a-{TOKEN}"}, {"type": TOKEN}, {"github": github(context=f"c {TOKEN}")}])
def test_the_token_is_in_nothing_that_is_read(fields: dict[str, Any]) -> None:
    job = one(**fields, result={"error": TOKEN, "output": TOKEN})
    assert TOKEN not in repr(job)
    assert "canary" not in repr(job)


def test_a_token_of_any_shape_is_in_nothing_that_is_read() -> None:
    job = one(id="a hunter2hunter2", github=github(token="hunter2hunter2", targetUrl="https://a.test/hunter2hunter2"))
    assert "hunter2" not in repr(job)


@pytest.mark.parametrize(
    ("document", "has_token"),
    [
        (written(), True),
        (written(github=github(token="any-secret")), True),
        (written(github=github(token="")), False),
        (written(github=None), False),
        (written(github=None, result={"output": f"used {TOKEN}"}), True),
        ({"jobs": [written(github=None), written()]}, True),
    ],
)
def test_a_file_with_a_token_in_it_is_known(document: object, has_token: bool) -> None:  # noqa: FBT001  # what is expected
    assert jobs_in(json.dumps(document), "jobs.json")[1] is has_token


def test_a_token_in_a_file_that_cannot_be_read_is_known_too() -> None:
    for cut in (f'[{{"github": {{"token": "{TOKEN}', '{"token" : "x-secret", '):
        [job], has_token = jobs_in(cut, "jobs.json")
        assert has_token
        assert job.problem == "not readable as JSON"
