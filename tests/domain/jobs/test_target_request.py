"""The target fields of a request: where the outcome is shown."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.delivery.target import Target
from domain.jobs.target_request import TargetRequest
from storage.models import StatusTarget

SHA = "6DCB09B5B57875f334f61aebed695e2e4193db5e"
KEY = StatusTarget.__table__.c.key.type.length  # type: ignore[attr-defined]  # SQLModel makes it
FITTING: dict[str, Any] = {"repository": "octocat/hello-world", "sha": SHA}


def test_a_request_becomes_a_target() -> None:
    assert TargetRequest(**FITTING).to_target("docs/site") == Target("octocat/hello-world", SHA.lower(), "docs/site")
    assert TargetRequest(**FITTING, context=" my\ncontext ").to_target("docs/site").context == "my context"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("repository", name) for name in ("octocat", "a/b/c", "a/..", "./b", "a b/c", "/b", "a/", "a/b\n", "a/b?c")),
        *(("sha", sha) for sha in ("abc", SHA + "0", SHA[:-1] + "g", "main", f"{SHA}\n")),
        *(("context", context) for context in (" \n", "a\0b", "c" * 256, "İ" * 128)),
        *(
            ("url", url)
            for url in ("javascript:alert(1)", "ftp://x", "https://", "http:///x", "https://a b", "http://[x")
        ),
        ("url", "https://x/\0"),
        *(("url", url) for url in ("https://ann:pa55@x/", "HTTP://ann@x", "https://:pa55@x?y", "http://a@b@x#y")),
        ("url", "https://x/" + "y" * 2000),
        ("token", "ghp_x"),
    ],
)
def test_a_value_that_github_would_refuse_is_refused_by_field(field: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TargetRequest(**{**FITTING, field: value})
    assert [error["loc"] for error in refused.value.errors()] == [(field,)]


@pytest.mark.parametrize(
    "url",
    ["https://docs.example.com/a?b=c#d", "HTTP://localhost:8000", "http://[::1]:80/x", "https://x/@ann", "https://x?@"],
)
def test_an_http_address_is_taken(url: str) -> None:
    assert TargetRequest(**FITTING, url=url).url == url


@given(st.text(alphabet=st.sampled_from("aİßΣﬀ😀 "), min_size=1, max_size=255))
@example("İ" * 127 + "a")
def test_whatever_context_is_taken_its_targets_key_fits_the_column(context: str) -> None:
    try:
        target = TargetRequest(repository=f"{'o' * 100}/{'r' * 99}", sha="a" * 40, context=context).to_target("docs")
    except ValidationError:
        return
    assert len(target.context) <= 255
    assert len(target.key) <= KEY


def test_an_empty_field_of_the_form_means_the_default() -> None:
    request = TargetRequest(repository="octo/docs", sha="a" * 40, context="", url="")
    assert request.to_target("docs/sphinx").context == "docs/sphinx"


@pytest.mark.parametrize("url", ["https://ann:pa55@x/", "https://ann@x"])
def test_prefect_refuses_a_user_in_a_link_before_it_stores_it(url: str) -> None:
    pattern = TargetRequest.model_json_schema()["properties"]["url"]["pattern"]
    assert not re.search(pattern, url)
    assert re.search(pattern, url.replace("@", "/@"))


def test_the_form_explains_each_field() -> None:
    fields = TargetRequest.model_json_schema()["properties"]
    assert all(field["description"] and field["examples"] for field in fields.values())
