"""Signs of errors and warnings in a line, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.output.error_line import error_line
from domain.output.signs import Sign, message_in, sign_of


@pytest.mark.parametrize(
    "line",
    [
        "Checked 40 files: 0 errors, 2 warnings",
        "No errors found in spelling",
        "without any errors",
        "errors: 0",
        "no broken links found",
        "copying errors.html",
        "docs/errors.md",
        "reading sources... [ 25%] api/errors",
        "> vale --minAlertLevel=error docs",
        "running with --fail-on-error",
        "✔ Error page is rendered",
        "INFO - Error page is 404.html",
        "(node:1) ExperimentalWarning: errors may differ",
    ],
)
def test_no_error_is_made_up(line: str) -> None:
    assert sign_of(line) not in (Sign.MAYBE, Sign.ERROR)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("Checked 40 files: 0 errors, 2 warnings\npage docs/x does not exist", "page docs/x does not exist"),
        ("No errors found in spelling\nvale: 3 alerts in docs/a.md", "vale: 3 alerts in docs/a.md"),
        ("copying errors.html\nnpm ERR! code ELIFECYCLE\nnpm ERR! Exit status 1", "npm ERR! code ELIFECYCLE"),
        ("reading sources... [ 25%] api/errors\nmake: *** [Makefile:20: html] Segfault",
         "make: *** [Makefile:20: html] Segfault"),
        ("page b.md is missing\nmake: *** [Makefile:2: html] Error 2", "page b.md is missing"),
        ("Error: timed out, retrying (attempt 1/3)\nbuilt 5 pages\nfatal: no token", "fatal: no token"),
        ("Error: timed out, retrying (attempt 1/3)\nbye", "Error: timed out, retrying (attempt 1/3)"),
        ("WARNING: odd\n3 words are unknown", "3 words are unknown"),
        ("WARNING: odd\ndone\nAborted with 1 warnings in strict mode!", "WARNING: odd"),
        ("Warning, treated as error:\na.rst:4: image file not readable",
         "Warning, treated as error: a.rst:4: image file not readable"),
        ('{"level":"fatal","msg":"no interface"}', "no interface"),
    ],
)  # fmt: skip
def test_the_reason_is_what_says_most(output: str, told: str) -> None:
    assert error_line(output.splitlines()) == told


@pytest.mark.parametrize("line", ["{", '{"a": 1}', '{"msg": 1}', '{"msg": ""}', '{"a":' * 1000])
def test_what_is_no_log_record_stays_as_it_is(line: str) -> None:
    assert message_in(line) == line


@given(st.text())
def test_any_line_has_a_sign(line: str) -> None:
    assert sign_of(line) in Sign
