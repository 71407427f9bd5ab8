"""Reads the tag with which a deployment names the ledger that its flow runs must use."""

from collections.abc import Collection, Iterable
from uuid import UUID

PREFIX = "ledger:"


class BadLedgerTag(ValueError):
    """A flow run whose tags name no ledger, or more than one; the message says what to do."""


def ledger_named_by(tags: Iterable[str]) -> UUID | None:
    """The id in the tag "ledger:ID" among *tags*. None: there is no such tag.

    Prefect gives each flow run the tags of its deployment; a request for a flow run can add tags, never remove one.

    Raises:
        BadLedgerTag: the tag holds no id, or tags name different ledgers.
    """
    named = {tag.removeprefix(PREFIX) for tag in tags if tag.startswith(PREFIX)}
    if not named:
        return None
    try:
        ids = {UUID(one) for one in named}
    except ValueError:
        raise BadLedgerTag(
            "the tag ledger:… of this flow run holds no ledger's id; `make deploy` sets it, and makes the Prefect "
            "variable from which `prefect deploy` fills it in"
        ) from None
    if len(ids) > 1:
        raise BadLedgerTag("the tags of this flow run name more than one ledger: start it without a tag ledger:…")
    return ids.pop()


def names_another(tags: Collection[str], ledger: UUID) -> bool:
    """Whether *tags* name a ledger, and not this one: a deployment's older flow runs keep the tag that it had."""
    return any(tag.startswith(PREFIX) for tag in tags) and f"{PREFIX}{ledger}" not in tags
