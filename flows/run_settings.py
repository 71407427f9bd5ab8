"""Reads the settings of a flow run: those of its worker, with the ledger id that its deployment names."""

from prefect.runtime import flow_run

from domain.operations.ledger_tag import ledger_named_by
from flows.run_log import log_to_flow_run
from settings import Settings
from tasks.process.kernel import make_non_dumpable


def flow_settings() -> Settings:
    """The settings of this process. Only REPORTBACK_LEDGER_ID can be replaced: by a ledger in the flow run's tags.

    Every flow calls this first: it closes the process, so that no job can read a token in it, and begins to log.

    Raises:
        BadLedgerTag: the tags name no valid ledger id.
    """
    make_non_dumpable()
    log_to_flow_run()
    named = ledger_named_by(flow_run.tags)
    return Settings() if named is None else Settings(ledger_id=named)
