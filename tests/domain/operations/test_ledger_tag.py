"""The tag that names a deployment's ledger."""

from uuid import UUID

import pytest

from domain.operations.ledger_tag import BadLedgerTag, ledger_named_by

ID = UUID("0b0e8a80-0000-4000-8000-000000000000")


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        ([], None),
        (["reportback", "the ledger: mine"], None),
        (["reportback", f"ledger:{ID}"], ID),
        ([f"ledger:{ID}", f"ledger:{str(ID).upper()}"], ID),
    ],
)
def test_the_ledger_is_what_the_tag_says(tags: list[str], named: UUID | None) -> None:
    assert ledger_named_by(tags) == named


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (["ledger:"], "`make deploy` sets it"),
        (["ledger:{{ prefect.variables.reportback_ledger_id }}"], "`make deploy` sets it"),
        ([f"ledger:{ID}", f"ledger:{UUID(int=7)}"], "more than one ledger"),
    ],
)
def test_tags_that_name_no_one_ledger_are_refused(tags: list[str], words: str) -> None:
    with pytest.raises(BadLedgerTag, match=words):
        ledger_named_by(tags)
