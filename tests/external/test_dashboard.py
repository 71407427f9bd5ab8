"""Every query of the dashboard on ledgers of each kind, by promtool: one value in each panel that shows one."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from external_tools import tool
from metric_snapshots import EMPTY, FULL

from domain.delivery.outcome import Reason
from domain.delivery.report import Phase
from domain.operations.job_runs import Standing
from domain.operations.metrics import Snapshot
from settings import ROOT
from tasks.operations.metric_families import registry_of

PANELS = json.loads((ROOT / "ops" / "grafana" / "reportback.json").read_text(encoding="utf-8"))["panels"]
RULES = ROOT / "ops" / "prometheus" / "rules.yml"

LINES = {
    "Undelivered": (1, 1),
    "Oldest undelivered": (1, 1),
    "Rejected": (1, 1),
    "Last reconciliation run": (0, 1),
    "Duplicates, 30 days": (1, 1),
    "In time, 30 days": (0, 1),
    "Backlog": (0, len(Phase) * len(Reason)),
    "Latency": (3, 3),
    "Deliveries": (4, 4),
    "Tries": (7, 7),
    "Mean latency": (1, 1),
    "Pauses": (0, 3),
    "Reconciliation runs": (2, 3),
    "Jobs": (0, 6),
    "Jobs waiting and running": (2, 2),
    "Objective": (0, 3),
    "Jobs under way": (1, 1 + len(Standing)),
    "Longest wait for a worker": (1, 1),
}
"""How many lines or values a panel shows of an empty ledger, and of a full one."""


def series(shown: Snapshot, *instances: str) -> list[dict[str, str]]:
    """What Prometheus scrapes of *shown* for half an hour, a counter growing by itself each minute."""
    return [
        {
            "series": one.name + "{" + ", ".join(f'{k}="{v}"' for k, v in {**one.labels, "instance": at}.items()) + "}",
            "values": f"{one.value}+{one.value if family.type in ('counter', 'histogram') else 0}x30",
        }
        for at in instances
        for family in registry_of(shown).collect()
        for one in family.samples
    ]


@pytest.mark.parametrize(
    ("shown", "instances", "place"),
    [(EMPTY, "a", 0), (FULL, "a", 1), (FULL, "ab", 1)],
    ids=["empty", "full", "full and scraped from two machines"],
)
def test_a_panel_shows_as_many_lines_as_it_should(shown: Snapshot, instances: str, place: int, tmp_path: Path) -> None:
    assert LINES.keys() == {panel["title"] for panel in PANELS}
    expected = [
        {
            "expr": " + ".join(f"(count({target['expr']}) or vector(0))" for target in panel["targets"]),
            "eval_time": "29m",
            "exp_samples": [{"value": LINES[panel["title"]][place]}],
        }
        for panel in PANELS
    ]
    tests = [{"interval": "1m", "input_series": series(shown, *instances), "promql_expr_test": expected}]
    file = tmp_path / "dashboard.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}), "utf-8")
    done = subprocess.run((tool("promtool"), "test", "rules", file), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
