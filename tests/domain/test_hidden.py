"""Which values of a job's variables are kept out of what it shows."""

import pytest

from domain.hidden import TooShort, hidden_values


def test_what_is_long_enough_is_hidden_whatever_it_is_called() -> None:
    assert hidden_values({"NOTION_KEY": "secret_1", "HOST": "db.internal", "NODE_ENV": "ci", "EMPTY_TOKEN": ""}) == [
        "secret_1", "db.internal",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["DB_PASSWORD", "npm_token", "CLIENT_SECRET", "API_KEY", "APIKEY", "PASSPHRASE"])
def test_a_short_value_that_is_called_a_secret_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(TooShort, match=f"^{name} has fewer than 8 characters") as refused:
        hidden_values({"LONG": "long enough", name: "hunter2 "})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["SORT_KEY", "KEYBOARD", "PORT", "CI"])
def test_other_short_values_are_shown(name: str) -> None:
    assert hidden_values({name: "title"}) == []
