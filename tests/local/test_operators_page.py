"""The operator's page is found: from `make up`, and from the deployment of the reconciliation."""

import io

import yaml  # type: ignore[import-untyped]  # it ships no types
from rich.console import Console

from domain.operations.status_page import KEY, address
from flows.reconcile_reports import reconcile_reports
from local.stack import Stack
from local.up import explain
from local.up_plan import plan_of
from settings import ROOT


def test_make_up_says_where_it_is() -> None:
    console = Console(file=io.StringIO(), width=200, record=True)
    explain(console, plan_of(None), Stack("http://127.0.0.1:4200/api", ()))
    assert address("http://127.0.0.1:4200") == f"http://127.0.0.1:4200/artifacts/key/{KEY}"
    assert f"Undelivered {address('http://127.0.0.1:4200')}" in console.export_text()


def test_the_deployment_of_the_reconciliation_links_to_it() -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    (described,) = (one["description"] for one in declared if one["name"] == "reconcile-reports")
    for text in (described, reconcile_reports.description or ""):
        assert f"[{KEY}]({address('')})" in text
