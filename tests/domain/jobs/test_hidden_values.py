"""Which values of a job's variables are redacted from its output."""

import pytest

from domain.jobs.hidden_values import TooShort, hidden_values


def test_a_long_value_is_hidden_whatever_its_name() -> None:
    assert hidden_values({"NOTION_KEY": "secret_1", "HOST": "db.internal", "NODE_ENV": "ci", "EMPTY_TOKEN": ""}) == [
        "secret_1", "db.internal",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "PGPASSWORD", "npm_token", "NPM_TOKEN_CI", "CLIENT_SECRET", "SECRETS", "API_KEY", "APIKEY",
     "AWS_CREDENTIALS", "PASSPHRASE", "CI_PASSWD_2"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["hunter2 ", "no1"])
def test_a_short_value_that_is_called_a_secret_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(TooShort) as refused:
        hidden_values({"LONG": "long enough", name: value})
    assert refused.value.to_do.startswith(f"{name} has fewer than 8 characters")
    assert value.strip() not in f"{refused.value} {refused.value.to_do}"
    assert name not in str(refused.value)  # the message may be read by others


@pytest.mark.parametrize("name", ["DB_PASSWORD", "ACCESS_TOKEN_2", "SECRET_KEY", "TOKEN_MAKERS_SECRET", "SECRETKEY"])
def test_a_number_may_be_a_secret_where_its_name_ends_as_one(name: str) -> None:
    with pytest.raises(TooShort):
        hidden_values({name: "4096"})


@pytest.mark.parametrize(
    "name",
    ["SORT_KEY", "KEYBOARD", "PORT", "CI", "MAX_TOKENS", "TOKENIZERS_PARALLELISM", "SECRETARY", "CAPI_KEY",
     "PASSWORDLESS", "TOKENIZER"],
)  # fmt: skip
def test_other_short_values_are_shown(name: str) -> None:
    assert hidden_values({name: "title"}) == []


@pytest.mark.parametrize("value", ["true", "False", "yes", "NO", "on", "off", "0", "1"])
@pytest.mark.parametrize("name", ["GIT_CREDENTIAL_CACHE", "USE_TOKEN"])
def test_a_switch_is_no_secret_whatever_its_name(name: str, value: str) -> None:
    assert hidden_values({name: value}) == []


@pytest.mark.parametrize(("name", "value"), [("TOKEN_LIMIT", "4096"), ("PASSWORD_MIN_LENGTH", "12")])
def test_a_number_is_no_secret_where_its_name_goes_on(name: str, value: str) -> None:
    assert hidden_values({name: value}) == []
