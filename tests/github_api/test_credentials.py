"""Which credential a repository uses, and how its token is read without being shown."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from github_api.credentials import DEFAULT_CREDENTIAL, NoCredential, credential_name, secret_of

MAP = {"octo/special": "env:ONE", "Octo/*": "secret:two", "*/docs": "env:THREE"}
KEY = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"
NO_KEYS = Path("/nonexistent")
TOKEN = "ghs_7_" + "a.b-c_" * 86


async def blocks(name: str) -> object:
    values: dict[str, object] = {"two": TOKEN, "number": 12345, "empty": "", "object": {"token": TOKEN}}
    if name not in values:
        raise ValueError(f"Unable to find block document named {name} for block type secret")
    return values[name]


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("octo/special", "env:ONE"),
        ("OCTO/Special", "env:ONE"),
        ("octo/docs", "secret:two"),
        ("other/docs", "env:THREE"),
        ("other/site", None),
    ],
)
def test_the_first_pattern_that_matches_decides_in_any_letter_case(repository: str, name: str | None) -> None:
    assert credential_name(repository, MAP) == name


def test_without_patterns_every_repository_has_the_default() -> None:
    assert credential_name("any/thing", {}) == DEFAULT_CREDENTIAL == "env:REPORTBACK_GITHUB_TOKEN"


async def test_a_token_is_read_from_the_environment_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", f"{TOKEN}\n")
    assert await secret_of("env:SOME_TOKEN", blocks, NO_KEYS) == TOKEN
    monkeypatch.setenv("SOME_TOKEN", "ghp_newer")
    assert await secret_of("env:SOME_TOKEN", blocks, NO_KEYS) == "ghp_newer"


async def test_a_token_is_read_from_a_secret_block() -> None:
    assert await secret_of("secret:two", blocks, NO_KEYS) == TOKEN


@pytest.mark.parametrize("name", ["secret:number", "secret:empty", "secret:object", "secret:none", "env:NOT_SET_HERE"])
async def test_where_no_token_is_the_message_names_the_place(name: str) -> None:
    with pytest.raises(NoCredential, match=name.partition(":")[2]) as refused:
        await secret_of(name, blocks, NO_KEYS)
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("value", ["ghp_abc d", "ghp_abc\nd", "ghp_abcé", "ghp_abc\x7f", "   ", "ghp_abc"])
async def test_a_token_that_fits_no_header_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SOME_TOKEN", value)
    with pytest.raises(NoCredential, match="SOME_TOKEN") as refused:
        await secret_of("env:SOME_TOKEN", blocks, NO_KEYS)
    assert "ghp_" not in str(refused.value)


async def test_a_block_that_does_not_validate_is_not_quoted() -> None:
    class Shape(BaseModel):
        value: int

    async def broken(_name: str) -> object:
        return Shape.model_validate({"value": TOKEN})

    with pytest.raises(NoCredential) as refused:
        await secret_of("secret:two", broken, NO_KEYS)
    assert refused.value.__suppress_context__
    assert "ghs_" not in str(refused.value)


async def test_the_key_of_an_app_is_read_from_its_file_or_from_a_secret_block(tmp_path: Path) -> None:
    async def block(name: str) -> object:
        return KEY if name == "docs-key" else TOKEN

    (tmp_path / "Iv1.abc.pem").write_text(f"{KEY}\n", encoding="utf-8")
    assert await secret_of("app:Iv1.abc", block, tmp_path) == KEY
    assert await secret_of("app:Iv1.abc@docs-key", block, tmp_path) == KEY


async def test_a_missing_key_and_one_that_is_none_are_said_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(NoCredential, match=rf"cannot be read from {tmp_path}/Iv1\.none\.pem: No such file"):
        await secret_of("app:Iv1.none", blocks, tmp_path)
    (tmp_path / "Iv1.abc.pem").write_text(TOKEN, encoding="utf-8")
    for name, place in (("app:Iv1.abc", "Iv1.abc.pem"), ("app:Iv1.abc@two", "Secret block two")):
        with pytest.raises(NoCredential, match=f"{place} holds no private key") as refused:
            await secret_of(name, blocks, tmp_path)
        assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("name", ["ghp_pasted_token", "", "env:", "secret:", "vault:x"])
async def test_a_name_that_may_be_a_token_is_not_quoted(name: str) -> None:
    with pytest.raises(NoCredential, match="neither env:VARIABLE, secret:BLOCK nor app:CLIENT_ID") as refused:
        await secret_of(name, blocks, NO_KEYS)
    assert "pasted" not in str(refused.value)


async def test_an_unreachable_store_of_secrets_is_not_a_missing_credential() -> None:
    async def unreachable(_name: str) -> object:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await secret_of("secret:two", unreachable, NO_KEYS)
