"""`make audit` succeeds only if the source answered for every pin."""

import json
import runpy
from collections.abc import Callable

import pytest

from settings import ROOT

verdict: Callable[[str, str, str, str], str | None] = runpy.run_path(str(ROOT / "requirements" / "audit.py"))["verdict"]

NOT_FOUND = "ERROR:pip_audit._cli:furo: Dependency not found on PyPI and could not be audited: furo (1)"


def found(*vulnerabilities: object) -> str:
    return json.dumps({"dependencies": [{"name": "furo", "version": "1", "vulns": vulnerabilities}], "fixes": []})


@pytest.mark.parametrize("said", [NOT_FOUND, f"Traceback\n  in pip_audit\n{NOT_FOUND}\n"])
def test_a_source_that_does_not_answer_is_reported_in_one_sentence(said: str) -> None:
    assert verdict("run.txt", "pypi", "", said) == (
        "make audit: pypi does not answer for all of run.txt, so nothing is known of its pins: "
        "furo: Dependency not found on PyPI and could not be audited: furo (1)"
    )


def test_each_known_vulnerability_is_listed_with_the_version_that_fixes_it() -> None:
    known = ({"id": "GHSA-1", "fix_versions": ["2"]}, {"id": "GHSA-2", "fix_versions": []})
    assert verdict("run.txt", "osv", found(*known), "") == (
        "furo 1: GHSA-1, mended in 2\nfuro 1: GHSA-2, mended in no version"
    )


def test_it_ends_well_where_none_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict("run.txt", "osv", found(), "No known vulnerabilities found") is None
    assert capsys.readouterr().out == "run.txt: 1 pins, of none of which osv knows a vulnerability\n"
