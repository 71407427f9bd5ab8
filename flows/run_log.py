"""Sends what Reportback's modules log to the log of the flow run that is running."""

import logging

from domain.redact import without_credentials

TRACEBACKS = logging.Formatter()


def log_to_flow_run() -> None:
    """Send lines of the logger "reportback" to the flow run's log, from the level PREFECT_LOGGING_LEVEL on.

    It does what PREFECT_LOGGING_EXTRA_LOGGERS=reportback would; Prefect reads that while it is imported, from an
    environment that each worker would have to set. Where it is set as well, a line still appears once.
    The handler, which is that of Prefect's run loggers too, hides credentials in all that a flow run logs, also in its
    tracebacks.
    """
    ours, extra = logging.getLogger("reportback"), logging.getLogger("prefect.extra")
    ours.setLevel(extra.level)
    for handler in extra.handlers:
        handler.addFilter(_hide_credentials)
        ours.addHandler(handler)


def _hide_credentials(record: logging.LogRecord) -> bool:
    """Hide them in the line and in its traceback. Raises nothing: what logs must go on."""
    try:
        text = record.getMessage()
    except Exception as error:  # noqa: BLE001  # whatever an argument's own code raises
        text = f"{record.msg!r} (its arguments do not fit: {type(error).__name__})"
    record.msg, record.args = without_credentials(text), None
    if record.exc_info:
        record.exc_text = without_credentials(TRACEBACKS.formatException(record.exc_info))
        record.exc_info = None  # a handler would format it anew
    return True
