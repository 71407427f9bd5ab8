"""Sends what Reportback's modules log to the log of the flow run that is running."""

import logging

from domain.redact import without_credentials

TRACEBACKS = logging.Formatter()

REPORTING = ("report_pending", "report_status")
"""The tasks that deliver a report."""

LEFT = ("Undelivered", "LedgerUnavailable")
"""Errors after which the reconciliation goes on with the report."""


CANCELLED = "Execution was cancelled by the runtime environment."
"""What Prefect says of a task and a flow that a cancel or SIGTERM has ended, as of a crash."""


def log_to_flow_run() -> None:
    """Send lines of the logger "reportback" to the flow run's log, from the level PREFECT_LOGGING_LEVEL on.

    It does what PREFECT_LOGGING_EXTRA_LOGGERS=reportback would; Prefect reads that while it is imported, from an
    environment that each worker would have to set. Where it is set as well, a line still appears once.
    The handler, which is that of Prefect's run loggers too, hides credentials in all that a flow run logs, also in its
    tracebacks.
    """
    ours, extra = logging.getLogger("reportback"), logging.getLogger("prefect.extra")
    ours.setLevel(extra.level)
    for name in ("prefect.task_runs", "prefect.flow_runs"):
        logging.getLogger(name).addFilter(_calm_about_due_reports)
        logging.getLogger(name).addFilter(_word_cancels)
    for handler in extra.handlers:
        handler.addFilter(_hide_credentials)
        ours.addHandler(handler)


def _calm_about_due_reports(record: logging.LogRecord) -> bool:
    """Make the end of a task whose report stays due one WARNING: Prefect logs a traceback and another ERROR."""
    if record.levelno != logging.ERROR or getattr(record, "task_name", None) not in REPORTING:
        return True
    if record.exc_info and record.exc_info[0] is not None:
        return record.exc_info[0].__name__ not in LEFT  # the line below follows
    if any(f"{name}: " in str(record.msg) for name in LEFT):
        record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
    return True


def _word_cancels(record: logging.LogRecord) -> bool:
    """Make Prefect's "Crash detected!" after a cancel or SIGTERM a WARNING that says so."""
    if record.levelno == logging.ERROR and CANCELLED in str(record.msg):
        record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        asked = "Ended by a cancel of its flow run, or by SIGTERM to its process."
        record.msg = str(record.msg).replace(f"Crash detected! {CANCELLED}", asked)
    return True


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
