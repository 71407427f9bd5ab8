"""Only the worker's environment and the job type decide which token is read and where it is sent."""

import os
from collections import UserDict
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest
from flow_rig import TOKEN, Rig
from prefect.blocks.system import Secret
from prefect.runtime import flow_run
from pydantic import ValidationError

from domain.jobs.jobs_file import parse_job_types
from domain.jobs.target_request import TargetRequest
from flows import run_settings
from flows.docs_job import docs_job
from settings import Settings

PUSH = """[jobs.{name}]
command = ["true"]
push = {{ branch = "main", paths = ["docs"], credential = "{credential}", author = "A <a@example.com>" }}
"""
ELSEWHERE = "https://elsewhere.example"
TOKENS_GO = ("github_api_url", "clone_url", "credentials", "database_url", "pushgateway_url", "jobs_file")


class Noting(UserDict[str, str]):
    """An environment that notes what is read of it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self.read: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # as it is used
        self.read.add(name)
        return super().get(name, default)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The variables and Secret blocks of which the value is read as a credential's."""
    noted = Noting(os.environ)

    class System:
        environ = noted

    async def load(name: str, *_: object, **__: object) -> Secret[str]:
        noted.read.add(name)
        return Secret(value="a-token-in-a-block")

    monkeypatch.setattr("github_api.credentials.os", System)
    monkeypatch.setattr(Secret, "aload", load)
    return noted.read


async def test_a_job_that_does_not_push_reads_no_token_to_push_with(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, read: set[str]
) -> None:
    types = "\n".join(
        [
            "version = 1",
            f'[jobs.sphinx]\ncommand = ["sh", "{rig.folder / "job.sh"}"]',
            PUSH.format(name="mkdocs", credential="env:PUSH_TOKEN"),
            PUSH.format(name="linkcheck", credential="secret:content-bot"),
        ]
    )
    monkeypatch.setenv("PUSH_TOKEN", TOKEN)
    monkeypatch.setattr("flows.docs_job.JOB_TYPES", parse_job_types(types, "the test's jobs"))
    done = await rig.run_job()
    assert done.shows[:2] == ("COMPLETED", "Completed")
    assert read == {"REPORTBACK_GITHUB_TOKEN"}
    await rig.run_job("mkdocs")
    assert read == {"REPORTBACK_GITHUB_TOKEN", "PUSH_TOKEN"}
    await rig.run_job("linkcheck")
    assert read == {"REPORTBACK_GITHUB_TOKEN", "PUSH_TOKEN", "content-bot"}


@pytest.mark.parametrize("name", TOKENS_GO)
@pytest.mark.parametrize("spelled", [str, str.upper, lambda name: f"REPORTBACK_{name.upper()}"])
def test_no_request_names_where_a_token_goes(name: str, spelled: type[str]) -> None:
    assert set(docs_job.parameters.properties) == {"job", "options", "target"}
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        TargetRequest.model_validate({"repository": "acme/site", "sha": "0" * 40, spelled(name): ELSEWHERE})


def test_the_tags_of_a_flow_run_change_nothing_but_the_ledger_that_must_be_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = UUID(int=7)
    names = [f"{prefix}{name}" for name in TOKENS_GO for prefix in ("", "REPORTBACK_")]
    tags = [f"{name}{by}{ELSEWHERE}" for name in names for by in ":="]
    monkeypatch.setattr(run_settings, "make_non_dumpable", lambda: None)  # the process is pytest's
    monkeypatch.setattr(flow_run, "tags", [*tags, f"ledger:{ledger}"], raising=False)
    assert run_settings.flow_settings() == Settings(ledger_id=ledger)


def test_no_file_of_the_folder_that_a_flow_runs_in_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = Settings()
    for file in (".env", "settings.env", "reportback.env"):
        (tmp_path / file).write_text(f"REPORTBACK_GITHUB_API_URL={ELSEWHERE}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert Settings() == before
