"""The reference pages of docs/ are what the code says."""

import pytest
from reference import DOCS, pages

from settings import Settings


@pytest.mark.parametrize(("name", "content"), pages().items())
def test_a_reference_page_is_current(name: str, content: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == content, "run: .venv/bin/python tests/support/reference.py"


@pytest.mark.parametrize("field", Settings.model_fields)
def test_each_setting_is_described_by_its_full_name(field: str) -> None:
    listed = [line.split(" | ")[0] for line in (DOCS / "configuration.md").read_text(encoding="utf-8").splitlines()]
    assert any(f"`REPORTBACK_{field.upper()}`" in name for name in listed)
