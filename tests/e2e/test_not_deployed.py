"""`make deploy` and `reportback drain` without a Prefect server: their errors and the settings they read."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from prefect.settings import PREFECT_API_URL, temporary_settings

from domain.operations.ledger_tag import PREFIX
from local import deploy as module
from local.deploy import DEPLOYMENTS, LEDGER, deploy
from local.drain import drain, resume
from local.no_server import NoServer
from local.stack import free_port
from local.work_pools import POOLS, NotDeployed
from settings import ROOT

MOMENT = timedelta(seconds=0.1)


async def test_where_prefect_refuses_its_own_words_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    refuses = "echo Invalid fields; echo in deployments; exit 1"
    monkeypatch.setattr(module, "PREFECT", ("sh", "-c", refuses))
    with pytest.raises(NotDeployed, match=r"^`prefect deploy` failed:\nInvalid fields\nin deployments$"):
        await module._deploy()


@pytest.mark.parametrize("ask", [deploy, drain, resume])
async def test_where_no_server_is_named_it_is_said_what_to_set(ask: Callable[[], Awaitable[object]]) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}), pytest.raises(NoServer, match="export the address"):
        await ask()


async def test_a_server_that_does_not_answer_is_named() -> None:
    unused = f"http://127.0.0.1:{free_port()}/api"
    with temporary_settings({PREFECT_API_URL: unused}), pytest.raises(NoServer, match=f"{unused} cannot be reached"):
        await resume()


def test_prefect_yaml_names_what_the_code_names() -> None:
    written = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    named = [(one["name"], one["work_pool"]["name"]) for one in written["deployments"]]
    assert [name for name, _ in named] == [name.partition("/")[2] for name in DEPLOYMENTS]
    assert {pool for _, pool in named} == set(POOLS)
    tags = {PREFIX + "{{ prefect.variables." + LEDGER + " }}", "reportback"}
    assert [set(one["tags"]) for one in written["deployments"]] == [tags] * 3
    assert not any("job_variables" in one["work_pool"] for one in written["deployments"])  # a closed pool takes none
    assert "pull" not in written  # no folder of one machine
