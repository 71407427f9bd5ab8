"""The issue forms are forms as GitHub has them, and ask for what a defect needs."""

from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

FORMS = Path(__file__).resolve().parents[1] / ".github" / "ISSUE_TEMPLATE"


@pytest.mark.parametrize("name", ["defect.yml", "wish.yml"])
def test_a_form_has_what_github_requires(name: str) -> None:
    form = yaml.safe_load((FORMS / name).read_text(encoding="utf-8"))
    assert form["name"]
    assert form["description"]
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in asked}) == len(asked) > 0
    assert all(part["attributes"]["label"] for part in asked)


def test_a_defect_comes_with_what_doctor_says() -> None:
    form = yaml.safe_load((FORMS / "defect.yml").read_text(encoding="utf-8"))
    doctor = next(part for part in form["body"] if "doctor --json" in part["attributes"].get("label", ""))
    assert doctor["validations"]["required"]
