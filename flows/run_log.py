"""Sends what Reportback's modules log to the log of the flow run that is running."""

import logging

from domain.redact import without_credentials


def log_to_flow_run() -> None:
    """Send lines of the logger "reportback" to the flow run's log, from the level PREFECT_LOGGING_LEVEL on.

    It does what PREFECT_LOGGING_EXTRA_LOGGERS=reportback would; Prefect reads that while it is imported, from an
    environment that each worker would have to set. Where it is set as well, a line still appears once.
    The handler, which is that of Prefect's run loggers too, hides credentials in whatever a flow run logs.
    """
    ours, extra = logging.getLogger("reportback"), logging.getLogger("prefect.extra")
    ours.setLevel(extra.level)
    for handler in extra.handlers:
        handler.addFilter(_hide_credentials)
        ours.addHandler(handler)


def _hide_credentials(record: logging.LogRecord) -> bool:
    record.msg, record.args = without_credentials(record.getMessage()), None
    return True
