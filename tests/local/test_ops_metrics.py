"""Alert rules and dashboard use only exported metrics, and every alert and metric is documented."""

import json
import re

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from metric_snapshots import FULL

from settings import ROOT
from tasks.operations.metric_families import registry_of

RULES = ROOT / "ops" / "prometheus" / "rules.yml"
DASHBOARD = ROOT / "ops" / "grafana" / "reportback.json"
OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
NAME = re.compile(r"\breportback_[a-z0-9_]+")
SELECTOR = re.compile(r"\b(reportback_[a-z0-9_]+)\{([^}]*)\}")
SAMPLES = [sample for family in registry_of(FULL).collect() for sample in family.samples]
NAMES = {sample.name for sample in SAMPLES}
GROUPS = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
RECORDED = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
PANELS = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
EXPRESSIONS = [rule["expr"] for group in GROUPS for rule in group["rules"]]
EXPRESSIONS += [target["expr"] for panel in PANELS for target in panel["targets"]]


def test_rules_and_dashboard_name_what_is_exported_and_all_of_it() -> None:
    named = {name for expression in EXPRESSIONS for name in NAME.findall(expression)}
    assert named <= NAMES
    families = {family.name for family in registry_of(FULL).collect()}
    shown = {name for panel in PANELS for target in panel["targets"] for name in NAME.findall(target["expr"])}
    assert families == {family for family in families if any(name.startswith(family) for name in shown)}


def test_recorded_series_that_are_named_are_recorded() -> None:
    named = {name for one in EXPRESSIONS for name in re.findall(r"\breportback:[a-z0-9_:]+", one)}
    assert named <= RECORDED


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_label_that_is_asked_for_has_such_a_value(expression: str) -> None:
    for name, matchers in SELECTOR.findall(expression):
        for label, how, value in re.findall(r'(\w+)(=~?)"([^"]*)"', matchers):
            values = [sample.labels[label] for sample in SAMPLES if sample.name == name]
            pattern = value.replace("\\\\", "\\") if how == "=~" else re.escape(value)
            assert any(re.fullmatch(pattern, one) for one in values), (name, label, value)
            if how == "=~" and "|" in value:
                assert set(value.split("|")) <= set(values)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alert_leads_to_what_to_do(alert: dict[str, dict[str, str]]) -> None:
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert page.endswith("/docs/operate.md")
    assert anchor in [heading.lower() for heading in re.findall(r"^### (\w+)$", OPERATE, re.MULTILINE)]


@pytest.mark.parametrize("family", [family.name for family in registry_of(FULL).collect()])
def test_each_metric_is_explained(family: str) -> None:
    assert re.search(rf"^\| `{family}(_total)?[`{{]", OPERATE, re.MULTILINE)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alert_is_fired_and_silenced_by_promtool(alert: dict[str, str]) -> None:
    tests = yaml.safe_load((ROOT / "tests" / "external" / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
    asked = [one for test in tests for one in test.get("alert_rule_test", ()) if one["alertname"] == alert["alert"]]
    assert {bool(one.get("exp_alerts")) for one in asked} == {True, False}
