"""What Reportback's modules log in a flow run is in the run's log in Prefect: once, and without credentials."""

import logging

import pytest
from flow_rig import TOKEN
from flow_runs import log_of, run
from prefect import get_run_logger

from flows.reconcile_reports import reconcile_reports

URL = f"https://ann:pa55word@example.com/?token={TOKEN}"
LAST = "delivered 0, undelivered 0"
SHOWN = "asked https://***@example.com/?token=*** once"


@pytest.fixture(autouse=True)
def maintenance_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    async def maintain(*_: object) -> None:
        logger = logging.getLogger("reportback.operations")
        logger.info("there is maintenance")
        logger.warning("asked %s once", URL)
        get_run_logger().error("could not ask %s", URL)
        logger.error("gave up", exc_info=ConnectionError(f"no answer from {URL}"))
        logger.warning("waited for %d s", URL)

    monkeypatch.setattr("flows.reconcile_reports.maintain", maintain)


@pytest.mark.usefixtures("rig")
@pytest.mark.parametrize("prefect_sends_it_too", [False, True])
async def test_a_modules_line_is_in_the_runs_log_once(*, prefect_sends_it_too: bool) -> None:
    if prefect_sends_it_too:  # as where a worker sets PREFECT_LOGGING_EXTRA_LOGGERS
        for handler in logging.getLogger("prefect.extra").handlers:
            logging.getLogger("reportback").addHandler(handler)
    for _ in range(2):  # each flow run of a process makes the same arrangement
        done = await run(reconcile_reports)
        log = await log_of(done.id, LAST)
        assert (log.count("asked"), log.count("there is maintenance")) == (1, 1)


@pytest.mark.usefixtures("rig")
async def test_every_line_is_shown_without_credentials_and_a_modules_on_stderr_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done = await run(reconcile_reports)
    log = await log_of(done.id, LAST)
    assert "could not ask https://***@example.com/?token=***" in log
    assert "ConnectionError: no answer from https://***@example.com/?token=***" in log
    for text in (log, caplog.text):
        assert SHOWN in text
        assert not any(secret in text for secret in ("pa55word", TOKEN))


@pytest.mark.usefixtures("rig")
async def test_a_line_whose_arguments_do_not_fit_is_logged_without_them_and_the_run_goes_on() -> None:
    done = await run(reconcile_reports)
    assert done.state.is_completed()
    assert "'waited for %d s' (its arguments do not fit: TypeError)" in await log_of(done.id, LAST)
