"""Invalid requests are refused before anything runs, naming the field and the allowed values."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from flow_rig import Rig
from prefect import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.exceptions import ParameterTypeError, PrefectHTTPStatusError

from domain.jobs.jobs_file import BadJobsFile
from flows import job_types
from flows.docs_job import docs_job
from storage.models import Job, StatusTarget

SHA = "3f2a91c0" * 5
WHOLE = {"repository": "acme/site", "sha": SHA}
REFUSED: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
    "a target without a commit": ({"target": {"repository": "acme/site"}}, ("target.sha", "required")),
    "a target without a repository": ({"target": {"sha": SHA}}, ("target.repository", "required")),
    "an empty target": ({"target": {}}, ("target.repository", "target.sha", "required")),
    "a repository without its owner": ({"target": WHOLE | {"repository": "site"}}, ("target.repository", "pattern")),
    "a repository with a path": (
        {"target": WHOLE | {"repository": "acme/site/docs"}},
        ("target.repository", "pattern"),
    ),
    "a repository of dots": (
        {"target": WHOLE | {"repository": "../site"}},
        ("target.repository", "no names on GitHub"),
    ),
    "an abbreviated sha": ({"target": WHOLE | {"sha": SHA[:12]}}, ("target.sha", "[0-9a-fA-F]{40}")),
    "a branch for a sha": ({"target": WHOLE | {"sha": "main"}}, ("target.sha", "[0-9a-fA-F]{40}")),
    "a sha that is too long": ({"target": WHOLE | {"sha": f"{SHA}0"}}, ("target.sha", "[0-9a-fA-F]{40}")),
    "a link that is no link": ({"target": WHOLE | {"url": "javascript:alert(1)"}}, ("target.url", "pattern")),
    "a context that is too long": ({"target": WHOLE | {"context": "x" * 256}}, ("target.context", "255")),
    "a field that a target has not": ({"target": WHOLE | {"branch": "main"}}, ("target.branch", "not permitted")),
    "an undeclared job type": ({"job": "rm"}, ("job", "'sphinx', 'linkcheck' or 'mkdocs'")),
    "options that are no table": ({"options": ["--jobs"]}, ("options", "dictionary")),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_value_the_form_does_not_allow_is_refused_by_field_with_the_allowed_values(what: str) -> None:
    parameters, words = REFUSED[what]
    with pytest.raises(ParameterTypeError) as refused:
        docs_job.validate_parameters({"job": "sphinx", **parameters})
    assert [word for word in words if word not in str(refused.value)] == []


BEFORE_ANYTHING_RUNS: dict[str, tuple[dict[str, object], str]] = {
    "a target without a commit": ({"target": {"repository": "acme/site"}}, "target.sha: Field required"),
    "a sha that is none": ({"target": WHOLE | {"sha": "main"}}, "target.sha: String should match pattern"),
    "an undeclared job type": ({"job": "rm"}, "job: Input should be 'sphinx', 'linkcheck' or 'mkdocs'"),
    "an undeclared option": ({"options": {"output": "/"}}, "no option of this job (its options: processes)"),
    "an option out of its bounds": ({"options": {"processes": 9}}, "processes must be a whole number from 1 to 8"),
}


@pytest.mark.parametrize("what", BEFORE_ANYTHING_RUNS)
async def test_an_invalid_request_is_refused_before_anything_runs(rig: Rig, what: str) -> None:
    parameters, words = BEFORE_ANYTHING_RUNS[what]
    rig.job_is("echo ran > {folder}/notes")
    done = await rig.run_job(**{"job": "sphinx", **parameters})  # type: ignore[arg-type]  # wrong on purpose
    assert done.shows[0] == "FAILED"
    assert words in done.shows[2]
    await nothing_happened(rig)


async def test_a_repository_that_is_not_allowed_is_refused_before_anything_runs(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_ALLOWED_REPOSITORIES", "others/*")
    rig.job_is("echo ran > {folder}/notes")
    done = await rig.run_job(job="sphinx", target=WHOLE)
    assert done.shows[0] == "FAILED"
    assert "REPORTBACK_ALLOWED_REPOSITORIES does not name acme/site" in done.shows[2]
    await nothing_happened(rig)


FORM: dict[str, tuple[dict[str, object], str]] = {
    "job": ({"job": "rm"}, "'job'. Failure reason: 'rm' is not one of ['sphinx', 'linkcheck', 'mkdocs']"),
    "repository": (
        {"target": WHOLE | {"repository": "site"}},
        "'target.repository'. Failure reason: 'site' does not match",
    ),
    "sha": ({"target": WHOLE | {"sha": "main"}}, "'target.sha'. Failure reason: 'main' does not match"),
    "no sha": ({"target": {"repository": "acme/site"}}, "'sha' is a required property"),
    "context": ({"target": WHOLE | {"context": " "}}, "'target.context'. Failure reason: ' ' does not match"),
    "url": (
        {"target": WHOLE | {"url": "javascript:alert(1)"}},
        "'target.url'. Failure reason: 'javascript:alert(1)' does not match",
    ),
    "a field that is none": ({"target": WHOLE | {"branch": "main"}}, "'branch' was unexpected"),
    "options": ({"options": ["--jobs"]}, "'options'. Failure reason: ['--jobs'] is not of type"),
}


async def test_a_deployments_form_refuses_by_the_fields_name_before_a_run_exists(rig: Rig) -> None:
    deployment = await docs_job.ato_deployment("form")
    deployment_id = await deployment.aapply()
    async with get_client() as client:
        for parameters, words in FORM.values():
            with pytest.raises(PrefectHTTPStatusError) as refused:
                await client.create_flow_run_from_deployment(deployment_id, parameters={"job": "sphinx", **parameters})
            assert words in refused.value.response.json()["detail"]
        ours = DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id]))
        assert await client.read_flow_runs(deployment_filter=ours) == []
    await nothing_happened(rig)


def test_the_form_says_what_each_field_takes() -> None:
    fields = docs_job.parameters.properties
    assert "sphinx: Build this project's documentation" in fields["job"]["description"]
    assert "processes (1 to 8), nitpicky (true or false). linkcheck: none." in fields["options"]["description"]
    assert "reports nothing" in fields["target"]["description"]
    assert "{" not in fields["job"]["description"]


async def test_a_repository_without_a_credential_is_refused_by_its_name(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", '{"others/*": "env:REPORTBACK_GITHUB_TOKEN"}')
    done = await rig.run_job()
    assert done.shows[0] == "FAILED"
    assert "REPORTBACK_CREDENTIALS names no credential for acme/site: add a pattern" in done.shows[2]
    await nothing_happened(rig)


async def nothing_happened(rig: Rig) -> None:
    assert rig.noted() == []
    assert await rig.rows(Job) == []
    assert await rig.rows(StatusTarget) == []
    assert list(rig.github.requests.seen) == []


def test_the_job_types_are_those_of_the_file_that_the_settings_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew = job_types_of(tmp_path, monkeypatch)
    assert list(anew.JOB_TYPES) == ["greet"]
    assert [name.value for name in anew.JobName] == ["greet"]


def test_a_job_type_that_would_see_the_reporting_credential_is_refused_before_any_flow_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", '{"*": "env:STATUS_TOKEN"}')
    told = r"jobs\.toml, line 4: jobs\.greet\.env: a job never sees STATUS_TOKEN: REPORTBACK_CREDENTIALS names it$"
    with pytest.raises(BadJobsFile, match=told):
        job_types_of(tmp_path, monkeypatch, 'env = ["STATUS_TOKEN"]')


def job_types_of(folder: Path, monkeypatch: pytest.MonkeyPatch, fields: str = "") -> ModuleType:
    """The module of the job types, as imported with settings that name a jobs file with these fields."""
    (folder / "jobs.toml").write_text(f'version = 1\n[jobs.greet]\ncommand = ["echo"]\n{fields}\n', encoding="utf-8")
    monkeypatch.setenv("REPORTBACK_JOBS_FILE", str(folder / "jobs.toml"))
    spec = importlib.util.spec_from_file_location("job_types_anew", job_types.__file__)
    assert spec is not None
    assert spec.loader is not None
    anew = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "job_types_anew", anew)
    spec.loader.exec_module(anew)
    return anew
