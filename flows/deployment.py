"""The settings of a flow run: those of its worker, and the ledger that its deployment names."""

from prefect.runtime import flow_run

from domain.operations.ledger_tag import ledger_named_by
from settings import Settings
from tasks.process.hardening import make_non_dumpable


def flow_settings() -> Settings:
    """The settings of this process. A ledger that the flow run's tags name replaces REPORTBACK_LEDGER_ID; no more does.

    Every flow begins with this: from now on no job can read a token in this process.

    Raises:
        BadLedgerTag: the tags name no ledger that could be meant.
    """
    make_non_dumpable()
    named = ledger_named_by(flow_run.tags)
    return Settings() if named is None else Settings(ledger_id=named)
